package api_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// together calls do at once from n goroutines.
func together(n int, do func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	all.Wait()
}

const many = 32

func TestProjectMadeByManyAtOnceIsOne(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		answers := make([]reply, many)
		together(many, func(i int) {
			answers[i] = c.send("POST", base+"/projects", fmt.Sprintf(`{"project_name": "digits", "description": "%d"}`, i))
		})
		kept := c.get(base + "/projects/all")
		for _, a := range answers {
			same(t, "answer", fmt.Sprintf("%d [%s]\n", a.status, strings.TrimSpace(a.body)), "200 "+kept)
		}
	})
}

func TestModelMadeByManyAtOnceIsOne(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		p := c.newProject("digits")
		answers := make([]reply, many)
		together(many, func(i int) {
			answers[i] = c.send("POST", base+"/models", fmt.Sprintf(`{"project_id": %q, "model_name": "forest", "description": "%d"}`, p, i))
		})
		kept := c.get(base + "/models/all")
		for _, a := range answers {
			same(t, "answer", fmt.Sprintf("%d [%s]\n", a.status, strings.TrimSpace(a.body)), "200 "+kept)
		}
	})
}

func TestEvaluationsMergedByManyAtOnceAreAllThere(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		e := c.newExperiment(c.newModel(c.newProject("digits"), "forest"), "forest-1")
		answers := make([]reply, many)
		together(many, func(i int) { // a number and a structured value of its own, and one that all write
			answers[i] = c.send("POST", base+"/experiments/evaluations/"+e,
				fmt.Sprintf(`{"evaluations": {"a%02d": %d.5, "b%02d": [%d], "both": %d.25}}`, i, i, i, i, i))
		})
		for i, a := range answers {
			for _, own := range []string{fmt.Sprintf(`"a%02d":%d.5`, i, i), fmt.Sprintf(`"b%02d":[%d]`, i, i), fmt.Sprintf(`"both":%d.25`, i)} {
				if a.status != 200 || !strings.Contains(a.body, own) {
					t.Errorf("the answer to %d does not show %s: %d %s", i, own, a.status, a.body)
				}
			}
		}
		var numbers, lists []string
		for i := range many {
			numbers = append(numbers, fmt.Sprintf(`"a%02d":%d.5`, i, i))
			lists = append(lists, fmt.Sprintf(`"b%02d":[%d]`, i, i))
		}
		got := string(read(t, c.get(base+"/experiments/id/"+e))["evaluations"])
		head, last, _ := strings.Cut(got, `,"both":`)
		same(t, "evaluations", head, "{"+strings.Join(append(numbers, lists...), ","))
		if !strings.HasSuffix(last, ".25}") {
			t.Errorf("the value that all wrote is %s", last)
		}
	})
}

func TestPathsMergedByManyAtOnceAreAllThere(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		e := c.newExperiment(c.newModel(c.newProject("digits"), "forest"), "forest-1")
		var want []string
		for i := range many {
			want = append(want, fmt.Sprintf(`"p%02d":"s3://%d"`, i, i))
		}
		together(many, func(i int) {
			c.send("POST", base+"/experiments/artifact-file-paths/"+e, `{"artifact_file_paths": {`+want[i]+`}}`)
		})
		same(t, "paths", string(read(t, c.get(base+"/experiments/id/"+e))["artifact_file_paths"]), "{"+strings.Join(want, ",")+"}")
	})
}

func TestDeletingByManyAtOnceSucceedsOnce(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		p := c.newProject("digits")
		answers := make([]reply, many)
		together(many, func(i int) { answers[i] = c.send("DELETE", base+"/projects/id/"+p, "") })
		statuses := map[int]int{}
		for _, a := range answers {
			statuses[a.status]++
		}
		same(t, "statuses", fmt.Sprint(statuses), fmt.Sprint(map[int]int{200: 1, 404: many - 1}))
	})
}
