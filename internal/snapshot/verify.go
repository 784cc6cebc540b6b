package snapshot

import (
	"fmt"
	"io/fs"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// lastWeight runs a Job of verify after every other hook.
const lastWeight = "1000000"

// verifyJobs are the Jobs that must complete after a deploy: hooks that run
// when everything is ready.
func verifyJobs(in Input) ([]*object.Object, error) {
	var jobs []*object.Object
	for _, check := range in.Spec.Verify {
		if check.Job == "" {
			continue
		}
		data, err := fs.ReadFile(in.Files, check.Job)
		if err != nil {
			return nil, fmt.Errorf("verify: job %q: %w", check.Job, err)
		}
		list, err := object.ReadYAML(check.Job, data)
		if err != nil {
			return nil, err
		}
		if len(list) != 1 || list[0].GVK().Group != "batch" || list[0].GVK().Kind != "Job" {
			return nil, fault.New(fault.Invalid, "%s: verify needs one Job, and nothing else in the file", check.Job).
				Hint("what the Job needs besides belongs to the app")
		}
		job := list[0]
		job.SetAnnotation(object.AnnotationHook, "post-install,post-upgrade,post-rollback")
		job.SetAnnotation(object.AnnotationHookWeight, lastWeight)
		job.SetAnnotation(object.AnnotationHookDelete, "before-hook-creation")
		jobs = append(jobs, job)
	}
	return jobs, nil
}
