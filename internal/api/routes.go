package api

import (
	"net/http"

	"modeldb/internal/server"
)

// operations is the door's table of contents.
func (d *Door) operations() []operation {
	const (
		get, post, patch, del = http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete
		read, write           = server.Read, server.Write

		notFound = http.StatusNotFound
		conflict = http.StatusConflict
		tooLarge = http.StatusRequestEntityTooLarge
		badJSON  = http.StatusBadRequest
		notJSON  = http.StatusUnsupportedMediaType
	)
	const deleted = " Its name is free for a new one. It can be restored."
	const streamed = " Without limit, all are sent, streamed as they are read."
	return []operation{
		route(d, server.Probe, get, "/health", "health", "health", "Health check", "Whether the service answers. It does not ask the database: /readyz does.", d.health),

		listRoute[Project](d, "/api/projects/all", "list-projects", "projects", "List projects", "All projects, in the order in which they were made."+streamed, d.allProjects),
		route(d, read, get, "/api/projects/id/{project_id}", "get-project", "projects", "Get project by id", "One project.", d.projectByID, notFound),
		route(d, read, get, "/api/projects/name/{project_name}", "get-project-by-name", "projects", "Get project by name", "The name is percent-encoded.", d.projectByName, notFound),
		route(d, write, post, "/api/projects", "add-project", "projects", "Add project", "Makes a project. If there is one with this name, that one is the answer, unchanged.", d.addProject, badJSON, tooLarge, notJSON),
		route(d, write, patch, "/api/projects/id/{project_id}", "describe-project", "projects", "Change a project's description", "Replaces the description, or removes it.", d.describeProject, badJSON, notFound, tooLarge, notJSON),
		route(d, write, del, "/api/projects/id/{project_id}", "delete-project", "projects", "Delete project", "Marks the project as deleted; its models and experiments are out of sight with it."+deleted, d.deleteProject, notFound, conflict),
		route(d, write, post, "/api/projects/restore/{project_id}", "restore-project", "projects", "Restore project", "Brings a deleted project back. Refused if its name was taken meanwhile.", d.restoreProject, notFound, conflict),

		listRoute[Model](d, "/api/models/all", "list-models", "models", "List models", "All models, in the order in which they were made."+streamed, d.allModels),
		route(d, read, get, "/api/models/id/{model_id}", "get-model", "models", "Get model by id", "One model.", d.modelByID, notFound),
		listRoute[Model](d, "/api/models/project-id/{project_id}", "list-models-of-project", "models", "List models of a project", streamed[1:], d.modelsOfProject, notFound),
		listRoute[Model](d, "/api/models/name/{model_name}", "list-models-by-name", "models", "List models by name", "Several projects may have a model of one name."+streamed, d.modelsByName, notFound),
		listRoute[Model](d, "/api/models/project-name/{project_name}", "list-models-of-named-project", "models", "List models of a project by its name", "The query parameter project_name works too, and then stands above the path's."+streamed, d.modelsOfNamedProject, notFound),
		route(d, write, post, "/api/models", "add-model", "models", "Add model", "Makes a model in a project. If the project has one with this name, that one is the answer, unchanged.", d.addModel, badJSON, notFound, conflict, tooLarge, notJSON),
		route(d, write, patch, "/api/models/id/{model_id}", "describe-model", "models", "Change a model's description", "Replaces the description, or removes it.", d.describeModel, badJSON, notFound, tooLarge, notJSON),
		route(d, write, del, "/api/models/id/{model_id}", "delete-model", "models", "Delete model", "Marks the model as deleted; its experiments are out of sight with it."+deleted, d.deleteModel, notFound, conflict),
		route(d, write, post, "/api/models/restore/{model_id}", "restore-model", "models", "Restore model", "Brings a deleted model back. Refused if its name was taken meanwhile.", d.restoreModel, notFound, conflict),

		listRoute[Experiment](d, "/api/experiments/all", "list-experiments", "experiments", "List experiments", "All experiments, in the order in which they were made."+streamed, d.allExperiments),
		route(d, read, get, "/api/experiments/id/{experiment_id}", "get-experiment", "experiments", "Get experiment by id", "One experiment, with the newest values of its evaluations.", d.experimentByID, notFound),
		route(d, read, get, "/api/experiments/model-version-id/{model_version_id}", "get-experiment-by-version", "experiments", "Get experiment by model version", "The newest experiment with this label, of any model.", d.experimentByVersion, notFound),
		listRoute[Experiment](d, "/api/experiments/model-id/{model_id}", "list-experiments-of-model", "experiments", "List experiments of a model", "In the order in which they were made."+streamed, d.experimentsOfModel, notFound),
		listRoute[Experiment](d, "/api/experiments/project-id/{project_id}", "list-experiments-of-project", "experiments", "List experiments of a project", "Model by model, in the order in which they were made."+streamed, d.experimentsOfProject, notFound),
		route(d, read, get, "/api/experiments/compare", "compare-experiments", "experiments", "Compare experiments", "Parameters, data sets and evaluations of several experiments side by side.", d.compare, notFound, tooLarge),
		route(d, write, post, "/api/experiments", "add-experiment", "experiments", "Add experiment", "Keeps one training of a model.", d.addExperiment, badJSON, notFound, tooLarge, notJSON),
		route(d, write, post, "/api/experiments/evaluations/{experiment_id}", "add-evaluations", "experiments", "Add evaluations to an experiment", "Merged key by key into those that are there.", d.addEvaluations, badJSON, notFound, conflict, tooLarge, notJSON),
		route(d, write, post, "/api/experiments/artifact-file-paths/{experiment_id}", "add-artifact-file-paths", "experiments", "Add artifact file paths to an experiment", "Merged key by key into those that are there.", d.addArtifacts, badJSON, notFound, tooLarge, notJSON),
		listRoute[File](d, "/api/experiments/files/{experiment_id}", "list-files", "files", "List files of an experiment", "All files, in folders too, by their paths; the cursor is a path."+streamed, d.listFiles, notFound, conflict),
		fileRoute(route(d, read, get, "/api/experiments/file/{experiment_id}/{path}", "get-file", "files", "Get file of an experiment", "The bytes of a file. The ETag is its SHA-256; Range works.", d.getFile, notFound, conflict)),
		fileRoute(route(d, write, http.MethodPut, "/api/experiments/file/{experiment_id}/{path}", "put-file", "files", "Put file of an experiment", "Keeps the body, of any type and length, in the place of the file that was there.", d.putFile, badJSON, notFound, conflict)),
		route(d, write, del, "/api/experiments/file/{experiment_id}/{path}", "delete-file", "files", "Delete file of an experiment", "The file is gone for good; its digest stays in the event log.", d.deleteFile, notFound, conflict),
		route(d, read, get, "/api/model-versions/experiment-id/{experiment_id}", "list-versions-of-experiment", "registry", "List model versions of an experiment", "The versions of registered models that were made of the experiment.", d.versionsOfExperiment, notFound),
		route(d, read, get, "/api/releases/{registered_model_name}", "list-releases", "registry", "What was live when", "What each alias and each stage of a registered model meant, since when and until when, who decided it and why.", d.releases, notFound),
		route(d, read, get, "/api/aliases/as-of/{registered_model_name}", "get-alias-as-of", "registry", "What an alias meant at a time", "The version that an alias pointed to then, also when it was deleted since.", d.aliasAsOf, notFound),
		route(d, write, post, "/api/aliases/rollback/{registered_model_name}", "roll-back-alias", "registry", "Roll an alias back", "Lets an alias point to the version that it pointed to before.", d.rollBackAlias, notFound),
		listRoute[Event](d, "/api/events", "list-events", "events", "List events", "Changes of projects, models, registered models and files, in the order in which they happened."+streamed, d.events),
		route(d, write, del, "/api/experiments/id/{experiment_id}", "delete-experiment", "experiments", "Delete experiment", "Marks the experiment as deleted. It can be restored.", d.deleteExperiment, notFound),
		route(d, write, post, "/api/experiments/restore/{experiment_id}", "restore-experiment", "experiments", "Restore experiment", "Brings a deleted experiment back.", d.restoreExperiment, notFound),
	}
}
