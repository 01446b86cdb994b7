package api

import (
	"context"

	"modeldb/internal/record"
	"modeldb/internal/store"
)

// ExperimentPath names an experiment in a path.
type ExperimentPath struct {
	ExperimentID string `path:"experiment_id" example:"019ab0de5f0070008b1e4d0f9a3c2b11"`
}

type newExperiment struct {
	ModelID           string         `json:"model_id" example:"244871654494208"`
	ModelVersionID    string         `json:"model_version_id" minLength:"1" maxLength:"255" example:"forest-12" doc:"Your own label; it need not be unique."`
	Parameters        OptionalObject `json:"parameters,omitempty" example:"{\"n_estimators\": 100, \"max_depth\": 8}" doc:"Any JSON object. It cannot be changed later."`
	TrainingDataset   *string        `json:"training_dataset,omitempty" nullable:"true" maxLength:"16384" example:"s3://digits/train.csv" doc:"Any text that tells which data: an address, a digest."`
	ValidationDataset *string        `json:"validation_dataset,omitempty" nullable:"true" maxLength:"16384" example:"s3://digits/validation.csv"`
	TestDataset       *string        `json:"test_dataset,omitempty" nullable:"true" maxLength:"16384" example:"s3://digits/test.csv"`
	Evaluations       OptionalObject `json:"evaluations,omitempty" example:"{\"accuracy\": 0.97}" doc:"Any JSON object. Its numbers become metrics."`
	ArtifactFilePaths OptionalObject `json:"artifact_file_paths,omitempty" example:"{\"model\": \"s3://models/forest-12.onnx\"}" doc:"Any JSON object: names and addresses of files."`
}

type newEvaluations struct {
	Evaluations Object `json:"evaluations" example:"{\"accuracy\": 0.97, \"confusion_matrix\": [[50, 1], [2, 47]]}"`
}

type newArtifactFilePaths struct {
	ArtifactFilePaths Object `json:"artifact_file_paths" example:"{\"model\": \"s3://models/forest-12.onnx\"}"`
}

// run reads the request into a record.
func (n *newExperiment) run() (record.Run, error) {
	r := record.Run{Name: n.ModelVersionID}
	var err error
	if r.Model, err = record.ParseModelID(n.ModelID); err != nil {
		return r, err
	}
	if r.Metrics, r.Evaluations, err = record.SplitEvaluations(n.Evaluations.Members); err != nil {
		return r, err
	}
	for _, m := range n.Parameters.Members {
		r.Params = append(r.Params, record.Param(m))
	}
	r.Artifacts = artifactRefs(n.ArtifactFilePaths.Members)
	for _, use := range []struct {
		role record.Role
		text *string
	}{
		{record.RoleTraining, n.TrainingDataset},
		{record.RoleValidation, n.ValidationDataset},
		{record.RoleTest, n.TestDataset},
	} {
		if use.text != nil {
			r.Datasets = append(r.Datasets, record.TextDataset(use.role, *use.text))
		}
	}
	for _, given := range []struct {
		yes bool
		bit record.Given
	}{
		{n.Parameters.Given, record.GivenParams},
		{n.Evaluations.Given, record.GivenEvaluations},
		{n.ArtifactFilePaths.Given, record.GivenArtifacts},
	} {
		if given.yes {
			r.Given |= given.bit
		}
	}
	return r, nil
}

func artifactRefs(members Object) []record.ArtifactRef {
	refs := make([]record.ArtifactRef, len(members))
	for i, m := range members {
		refs[i] = record.ArtifactRef(m)
	}
	return refs
}

func replyRun(r *record.Run, err error) (*answer[experiment], error) {
	return reply(experiment{r}, err)
}

func (d *Door) addExperiment(ctx context.Context, in *struct{ Body newExperiment }) (*answer[experiment], error) {
	r, err := in.Body.run()
	if err != nil {
		return nil, err
	}
	return replyRun(d.store.CreateRun(ctx, r))
}

func (d *Door) experimentByID(ctx context.Context, in *ExperimentPath) (*answer[experiment], error) {
	id, err := record.ParseRunID(in.ExperimentID)
	if err != nil {
		return nil, err
	}
	return replyRun(d.store.Run(ctx, id))
}

func (d *Door) experimentByVersion(ctx context.Context, in *struct {
	ModelVersionID string `path:"model_version_id" example:"forest-12"`
}) (*answer[experiment], error) {
	return replyRun(d.store.RunNamed(ctx, in.ModelVersionID))
}

func (d *Door) addEvaluations(ctx context.Context, in *struct {
	ExperimentPath
	Body newEvaluations
}) (*answer[experiment], error) {
	id, err := record.ParseRunID(in.ExperimentID)
	if err != nil {
		return nil, err
	}
	metrics, rest, err := record.SplitEvaluations(in.Body.Evaluations)
	if err != nil {
		return nil, err
	}
	return replyRun(d.store.AddEvaluations(ctx, id, metrics, rest))
}

func (d *Door) addArtifacts(ctx context.Context, in *struct {
	ExperimentPath
	Body newArtifactFilePaths
}) (*answer[experiment], error) {
	id, err := record.ParseRunID(in.ExperimentID)
	if err != nil {
		return nil, err
	}
	return replyRun(d.store.AddArtifacts(ctx, id, artifactRefs(in.Body.ArtifactFilePaths)))
}

func (d *Door) deleteExperiment(ctx context.Context, in *ExperimentPath) (*answer[experiment], error) {
	id, err := record.ParseRunID(in.ExperimentID)
	if err != nil {
		return nil, err
	}
	return replyRun(d.store.DeleteRun(ctx, id, actor))
}

func (d *Door) restoreExperiment(ctx context.Context, in *ExperimentPath) (*answer[experiment], error) {
	id, err := record.ParseRunID(in.ExperimentID)
	if err != nil {
		return nil, err
	}
	return replyRun(d.store.RestoreRun(ctx, id, actor))
}

// runPages goes through a set of runs.
func (d *Door) runPages(ctx context.Context, cursor string, of store.RunSet) (pager, error) {
	after := store.FirstRun
	if cursor != "" {
		id, err := record.ParseRunID(cursor)
		if err == nil {
			after, err = d.store.RunPlace(ctx, id)
		}
		if err != nil {
			return nil, cursorError(err)
		}
	}
	return func(ctx context.Context, l *listing) (done bool, err error) {
		after, done, err = d.store.Runs(ctx, of, after, l.rows(), func(r *record.Run) bool {
			return l.add(experiment{r})
		})
		return done, err
	}, nil
}

func (d *Door) allExperiments(ctx context.Context, in *Paging) (pager, error) {
	return d.runPages(ctx, in.Cursor, store.RunSet{})
}

func (d *Door) experimentsOfModel(ctx context.Context, in *struct {
	ModelPath
	Paging
}) (pager, error) {
	model, err := record.ParseModelID(in.ModelID)
	if err != nil {
		return nil, err
	}
	return d.runPages(ctx, in.Cursor, store.RunSet{Model: &model})
}

func (d *Door) experimentsOfProject(ctx context.Context, in *struct {
	ProjectPath
	Paging
}) (pager, error) {
	project, err := record.ParseProjectID(in.ProjectID)
	if err != nil {
		return nil, err
	}
	return d.runPages(ctx, in.Cursor, store.RunSet{Project: &project})
}
