package mlflow

import (
	"net/http"
	"strings"

	"modeldb/internal/server"
)

// prefixes are those of all paths that MLflow's clients and pages ask for. What
// no route has there is answered in MLflow's form.
var prefixes = []string{"/api/", "/ajax-api/"}

// route is one entry of the door's table.
type route struct {
	pattern string // the method, and the path after the prefix
	right   server.Right
	handler http.Handler
	only    string // one of prefixes; empty: both
}

// fileCalls begins the paths of the calls about files, besides those of
// "mlflow/".
const fileCalls = "mlflow-artifacts/"

// patterns are those of the server's mux. Clients ask for a call under one
// version of the API; it is answered under both.
func (r route) patterns() []string {
	method, path, _ := strings.Cut(r.pattern, " ")
	if strings.HasPrefix(path, "/") {
		return []string{r.pattern}
	}
	if !strings.HasPrefix(path, fileCalls) {
		path = "mlflow/" + path
	}
	var all []string
	for _, prefix := range prefixes {
		if r.only == "" || r.only == prefix {
			all = append(all, method+" "+prefix+"{version}/"+path)
		}
	}
	return all
}

// table is the door's table of contents.
func (d *Door) table() []route {
	const read, write = server.Read, server.Write
	const ajax = "/ajax-api/"
	return []route{
		{"GET /health", server.Probe, plain("text/plain; charset=utf-8", "OK"), ""},
		{"GET /version", server.Open, plain("text/html; charset=utf-8", version), ""},
		{"GET server-info", server.Open, plain("application/json", serverInfo), ""},

		{"POST experiments/create", write, handle(d, createExperimentFields, d.createExperiment), ""},
		{"GET experiments/get", read, handle(d, experimentFields, d.getExperiment), ""},
		{"GET experiments/get-by-name", read, handle(d, experimentByNameFields, d.getExperimentByName), ""},
		{"GET experiments/search", read, handle(d, searchExperimentsFields, d.searchExperiments), ""},
		{"POST experiments/search", read, handle(d, searchExperimentsFields, d.searchExperiments), ""},
		{"POST experiments/update", write, handle(d, updateExperimentFields, d.updateExperiment), ""},
		{"POST experiments/delete", write, handle(d, experimentFields, d.deleteExperiment), ""},
		{"POST experiments/restore", write, handle(d, experimentFields, d.restoreExperiment), ""},
		{"POST experiments/set-experiment-tag", write, handle(d, experimentTagFields, d.setExperimentTag), ""},
		{"POST experiments/delete-experiment-tag", write, handle(d, experimentTagFields, d.deleteExperimentTag), ""},
		{"POST experiments/search-datasets", read, handle(d, searchDatasetsFields, d.searchDatasets), ajax},

		{"POST runs/create", write, handle(d, createRunFields, d.createRun), ""},
		{"GET runs/get", read, handle(d, runFields, d.getRun), ""},
		{"POST runs/update", write, handle(d, updateRunFields, d.updateRun), ""},
		{"POST runs/delete", write, handle(d, runFields, d.deleteRun), ""},
		{"POST runs/restore", write, handle(d, runFields, d.restoreRun), ""},
		{"POST runs/search", read, handle(d, searchRunsFields, d.searchRuns), ""},
		{"POST runs/log-metric", write, handle(d, logMetricFields, d.logMetric), ""},
		{"POST runs/log-parameter", write, handle(d, logParamFields, d.logParam), ""},
		{"POST runs/set-tag", write, handle(d, runTagFields, d.setRunTag), ""},
		{"POST runs/delete-tag", write, handle(d, runTagFields, d.deleteRunTag), ""},
		{"POST runs/log-batch", write, handle(d, logBatchFields, d.logBatch), ""},
		{"POST runs/log-inputs", write, handle(d, logInputsFields, d.logInputs), ""},
		{"POST runs/outputs", write, handle(d, logOutputsFields, d.logOutputs), ""},
		{"POST runs/log-model", write, handle(d, logModelFields, d.logModel), ""},

		{"GET metrics/get-history", read, handle(d, historyFields, d.getHistory), ""},
		{"GET metrics/get-history-bulk", read, handle(d, bulkFields, d.getHistoryBulk), ajax},
		{"GET metrics/get-history-bulk-interval", read, handle(d, intervalFields, d.getHistoryInterval), ""},

		{"POST logged-models", write, handle(d, createLoggedModelFields, d.createLoggedModel), ""},
		{"POST logged-models/search", read, handle(d, searchLoggedModelsFields, d.searchLoggedModels), ""},
		{"GET logged-models/{model_id}", read, handle(d, loggedModelFields, d.getLoggedModel), ""},
		{"PATCH logged-models/{model_id}", write, handle(d, finalizeFields, d.finalizeLoggedModel), ""},
		{"DELETE logged-models/{model_id}", write, handle(d, loggedModelFields, d.deleteLoggedModel), ""},
		{"PATCH logged-models/{model_id}/tags", write, handle(d, loggedModelTagsFields, d.setLoggedModelTags), ""},
		{"DELETE logged-models/{model_id}/tags/{tag_key...}", write, handle(d, loggedModelFields, d.deleteLoggedModelTag), ""},
		{"POST logged-models/{model_id}/params", write, handle(d, loggedModelParamsFields, d.addLoggedModelParams), ""},

		{"GET artifacts/list", read, d.direct(d.listRunArtifacts), ""},
		{"GET mlflow-artifacts/artifacts", read, d.direct(d.listArtifacts), ""},
		{"GET mlflow-artifacts/artifacts/{path...}", read, d.direct(d.getArtifact), ""},
		{"PUT mlflow-artifacts/artifacts/{path...}", write, d.direct(d.putArtifact), ""},
		{"DELETE mlflow-artifacts/artifacts/{path...}", write, d.direct(d.deleteArtifact), ""},
		{"POST mlflow-artifacts/mpu/create/{path...}", write, d.direct(d.notOnDisk), ""},
		{"POST mlflow-artifacts/mpu/complete/{path...}", write, d.direct(d.notOnDisk), ""},
		{"POST mlflow-artifacts/mpu/abort/{path...}", write, d.direct(d.notOnDisk), ""},
		{"GET mlflow-artifacts/presigned/{path...}", read, d.direct(d.notOnDisk), ""},
		{"GET /get-artifact", read, d.direct(d.getRunArtifact), ""},
		{"GET /model-versions/get-artifact", read, d.direct(d.getVersionArtifact), ""},
		{"POST upload-artifact", write, d.direct(d.uploadArtifact), ajax},
		{"GET logged-models/{model_id}/artifacts/directories", read, d.direct(d.listLoggedModelArtifacts), ""},
		{"GET logged-models/{model_id}/artifacts/files", read, d.direct(d.getLoggedModelArtifact), ajax},

		{"POST registered-models/create", write, handle(d, createRegisteredFields, d.createRegisteredModel), ""},
		{"GET registered-models/get", read, handle(d, registeredFields, d.getRegisteredModel), ""},
		{"GET registered-models/search", read, handle(d, searchRegistryFields(maxRegistered), d.searchRegisteredModels), ""},
		{"POST registered-models/rename", write, handle(d, renameRegisteredFields, d.renameRegisteredModel), ""},
		{"PATCH registered-models/update", write, handle(d, updateRegisteredFields, d.updateRegisteredModel), ""},
		{"DELETE registered-models/delete", write, handle(d, registeredFields, d.deleteRegisteredModel), ""},
		{"GET registered-models/get-latest-versions", read, handle(d, latestVersionsFields, d.getLatestVersions), ""},
		{"POST registered-models/get-latest-versions", read, handle(d, latestVersionsFields, d.getLatestVersions), ""},
		{"POST registered-models/set-tag", write, handle(d, registeredTagFields, d.setRegisteredModelTag), ""},
		{"DELETE registered-models/delete-tag", write, handle(d, registeredTagFields, d.deleteRegisteredModelTag), ""},
		{"GET registered-models/alias", read, handle(d, aliasFields, d.getVersionByAlias), ""},
		{"POST registered-models/alias", write, handle(d, setAliasFields, d.setAlias), ""},
		{"DELETE registered-models/alias", write, handle(d, aliasFields, d.deleteAlias), ""},

		{"POST model-versions/create", write, handle(d, createVersionFields, d.createModelVersion), ""},
		{"GET model-versions/get", read, handle(d, versionFields, d.getModelVersion), ""},
		{"GET model-versions/search", read, handle(d, searchRegistryFields(maxVersions), d.searchModelVersions), ""},
		{"PATCH model-versions/update", write, handle(d, updateVersionFields, d.updateModelVersion), ""},
		{"DELETE model-versions/delete", write, handle(d, versionFields, d.deleteModelVersion), ""},
		{"POST model-versions/transition-stage", write, handle(d, stageFields, d.moveStage), ""},
		{"GET model-versions/get-download-uri", read, handle(d, downloadFields, d.getDownloadURI), ""},
		{"POST model-versions/set-tag", write, handle(d, versionTagFields, d.setModelVersionTag), ""},
		{"DELETE model-versions/delete-tag", write, handle(d, versionTagFields, d.deleteModelVersionTag), ""},

		{"GET workspaces", read, handle(d, noFields, d.listWorkspaces), ""},
		{"POST workspaces", write, handle(d, createWorkspaceFields, d.createWorkspace), ""},
		{"GET workspaces/{workspace}", read, handle(d, getWorkspaceFields, d.getWorkspace), ""},
	}
}

// noFields is the table of a request without fields.
var noFields []field[struct{}]
