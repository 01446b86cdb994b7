"""Where Model DB answers otherwise than MLflow's server, and why.

A test claims a difference by its name where it shows, and says there what
Model DB answers. A name that nothing claims fails the tests, and so does a
difference that has no name.
"""

DIFFERENCES = {
    "no 500 for what will not change":
        "MLflow's clients try a 500 again for minutes; what no second try can change is a 400 here.",
    "no SQL in errors":
        "MLflow hands on what its database said, statement and all; here the sentence names the field and the value.",
    "errors are JSON":
        "MLflow answers an unknown path or method with an HTML page; here every error has the form that its clients "
        "read.",
    "a body that cannot be read is named":
        "MLflow takes a broken body for an empty one, and then misses a field that was there.",
    "what is wrong is refused":
        "MLflow drops a field of the wrong type inside a list, a missing key there, or a wrong number in a query, "
        "with all that follows, and answers 200.",
    "a wrong enum is refused": "MLflow drops an enum that it does not know, with all fields after it, and answers 200.",
    "a wrong int64 is refused":
        "MLflow stores 0 for a time of 1.5 or a step of 2^63, drops the fields after it, and answers 200.",
    "infinities are kept": "MLflow stores the greatest float64 in place of an infinity.",
    "NaN is below all numbers":
        "MLflow takes NaN for 0 when two values of one step and time compete to be the latest; a number says more.",
    "NaN of a logged model is kept": "MLflow stores 0 for NaN among the metrics of a logged model.",
    "long texts are kept whole": "MLflow cuts parameters after 6000 characters and tags after 8000, without a word.",
    "texts have stated limits":
        "MLflow has columns shorter than what it accepts, which fails on some of its databases only.",
    "deleted names are free":
        "MLflow keeps the name of a deleted experiment taken until somebody purges it on the server.",
    "a restored experiment": "MLflow brings back the runs that were deleted one by one, too; here they stay deleted.",
    "a dataset keeps every role":
        "MLflow keeps the first use of a dataset in a run only, and so hides that one dataset trains and tests.",
    "the same again is no error": "MLflow fails when a run's output is told twice, as a client that tries again does.",
    "a batch is kept whole or not at all":
        "MLflow writes a batch in several transactions, and leaves the first ones when a later one fails.",
    "a path says why it is refused": "MLflow says 'Invalid path' and no more; here the sentence names it and the reason.",
    "a size of 0 is said": "MLflow leaves the size of an empty file out of a listing of its store.",
    "paths are cleaned": "MLflow lists a folder named with two slashes under that name, which no file has.",
    "filters say more": "MLflow has no OR, NOT, parentheses, or IN for other than ids.",
    "ILIKE knows every alphabet": "MLflow on SQLite folds the case of ASCII letters only, on PostgreSQL of all.",
    "a fault is told where it is":
        "MLflow lists words of a filter or an order that it did not understand; here the first fault is named, with "
        "its place and what was expected.",
    "page tokens are opaque":
        "MLflow's token is a count of rows, which skips and repeats runs while runs are added; here it is a place, so "
        "its faults have other words.",
    "no advice on MLflow's settings": "MLflow names environment variables of its server that Model DB has not.",
    "a missing experiment is named": "MLflow runs into its database when runs/create has no experiment_id.",
    "an empty context is none": "A dataset's context of no text is not kept as a tag.",
    "an old model is kept as it was sent":
        "MLflow adds model_uuid: null to what old clients tell of a model, and reorders it.",
    "a status is one that there is":
        "MLflow compares a logged model's status with numbers, so that no name ever matches, and a wrong one is not "
        "noticed.",
    "a dataset needs no digest":
        "MLflow finds metrics on a dataset given without a digest only where the metric has none.",
    "content types in any case": "MLflow compares the header's letters; media types are written in any case.",
}
