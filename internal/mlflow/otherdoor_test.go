package mlflow_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// A run that Model DB's own API made is a run like any other here. What MLflow
// has no place for, structured evaluations and addresses of files, is left out.
func TestRunOfTheOtherDoorIsShown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		m := storetest.Model(t, s, "forest")
		run := storetest.Run(t, s, m.Key, "forest-12")
		c := serve(t, s)
		text := strings.NewReplacer(run.ID.String(), "RUN", record.ModelID(m.Key), "MODEL", strconv.FormatInt(run.Start, 10), "TIME").Replace(c.get("runs/get?run_id=" + run.ID.String()))
		same(t, "run", strings.TrimSpace(text), `{"run":{"info":{"run_uuid":"RUN","experiment_id":"MODEL","run_name":"forest-12","user_id":"","status":"FINISHED","start_time":TIME,"end_time":TIME,`+
			`"artifact_uri":"mlflow-artifacts:/MODEL/RUN/artifacts","lifecycle_stage":"active","run_id":"RUN"},`+
			`"data":{"metrics":[{"key":"accuracy","value":0.93,"timestamp":TIME,"step":0}],"params":[{"key":"depth","value":"8"},{"key":"opt","value":"adam"}],"tags":[{"key":"mlflow.runName","value":"forest-12"}]},`+
			`"inputs":{"dataset_inputs":[{"tags":[{"key":"mlflow.data.context","value":"test"}],"dataset":{"name":"s3://data/test","digest":"","source_type":"","source":"s3://data/test"}},`+
			`{"tags":[{"key":"mlflow.data.context","value":"training"}],"dataset":{"name":"s3://data/train","digest":"","source_type":"","source":"s3://data/train"}}]},"outputs":{}}}`)
		experiment := c.get("experiments/get?experiment_id=" + record.ModelID(m.Key))
		if name := regexp.MustCompile(`"name":"([^"]*)"`).FindStringSubmatch(experiment); name == nil || name[1] != "project of forest/forest" {
			t.Errorf("the experiment is %s", experiment)
		}
		for _, filter := range []string{"params.depth = '8'", "params.opt = 'adam'", "run_name = 'forest-12'", "metrics.accuracy > 0.9", "status = 'FINISHED'", "dataset.context = 'training'"} {
			found := c.post("runs/search", `{"experiment_ids":["`+record.ModelID(m.Key)+`"],"filter":`+encode(t, filter)+`}`)
			if !strings.Contains(found, run.ID.String()) {
				t.Errorf("%s does not find it: %s", filter, found)
			}
		}
		// Its parameters are written once, through either door: the same text is the same value.
		c.post("runs/log-parameter", `{"run_id":"`+run.ID.String()+`","key":"depth","value":"8"}`)
		c.refused("runs/log-parameter", `{"run_id":"`+run.ID.String()+`","key":"depth","value":"9"}`, 400)
	})
}
