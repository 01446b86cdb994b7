package mlflow

// serverInfo says what the server can do besides the plain calls. Clients then
// send artifacts in one piece, and may use workspaces. A workspace that is not
// there does not matter to it.
const serverInfo = `{"store_type":"SqlStore","workspaces_enabled":true,"trace_archival_enabled":false,` +
	`"multipart_uploads_enabled":false,"multipart_downloads_enabled":false,` +
	`"presigned_upload_run_id_supported":false,"presigned_upload_model_id_supported":false,` +
	`"features_enabled":{"gateway":false}}` + "\n"
