package health

import (
	"fmt"
	"strings"
)

// container reads one container status; false when nothing is wrong with it.
func container(pod view, item any, isInit bool) (Trouble, bool) {
	status, _ := item.(map[string]any)
	t := Trouble{Pod: pod.o.Name(), Container: word(status, "name"), Image: word(status, "image")}
	if image := imageOf(pod, t.Container); image != "" {
		t.Image = image
	}
	state, _ := at(status, "state").(map[string]any)
	last, _ := at(status, "lastState", "terminated").(map[string]any)
	restarts, _ := number(status["restartCount"])
	switch {
	case state["waiting"] != nil:
		return t.waiting(word(state, "waiting", "reason"), word(state, "waiting", "message"), last, restarts)
	case state["terminated"] != nil:
		ended, _ := state["terminated"].(map[string]any)
		if code, _ := number(ended["exitCode"]); code == 0 {
			return t, false
		}
		t.Text, t.Ended = exit(ended, restarts), true
		t.Stuck = pod.text("spec", "restartPolicy") == "Never"
		return t, true
	case state["running"] != nil:
		return t.running(status, isInit, last, restarts)
	}
	return t, false
}

// waiting judges a container that does not run.
func (t Trouble) waiting(reason, message string, last map[string]any, restarts int64) (Trouble, bool) {
	message = strings.Join(strings.Fields(message), " ")
	switch reason {
	case "", "ContainerCreating", "PodInitializing":
		if last == nil {
			return t, false
		}
		t.Text, t.Ended, t.Previous = exit(last, restarts), true, true
		return t, true
	case "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "ErrImageNeverPull", "RegistryUnavailable", "InvalidImageName",
		"SignatureValidationFailed":
		t.Text = fmt.Sprintf("image %s cannot be pulled: %s", t.Image, because(reason, pullCause(message)))
	case "CrashLoopBackOff":
		t.Text, t.Ended, t.Previous = "crashes again and again", true, true
		if last != nil {
			t.Text += ": " + exit(last, restarts)
		}
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError", "PreStartHookError", "PostStartHookError":
		t.Text = "cannot be started: " + because(reason, message)
	default:
		t.Text = because(reason, message)
	}
	t.Stuck = true
	return t, true
}

// running judges a container that runs: one that is not ready, or an init
// container that others wait for.
func (t Trouble) running(status map[string]any, isInit bool, last map[string]any, restarts int64) (Trouble, bool) {
	isReady, _ := status["ready"].(bool)
	started, hasStarted := status["started"].(bool)
	switch {
	case isReady:
		return t, false
	case isInit && !hasStarted, isInit && started && last == nil:
		t.Text = "is still running; the other containers wait for it"
	case hasStarted && !started:
		t.Text = "runs, but its startup probe has not passed"
	default:
		t.Text = "runs, but is not ready"
	}
	if last != nil {
		t.Text += "; before that it " + exit(last, restarts)
		t.Ended, t.Previous = true, true
	}
	return t, true
}

// exit says how a container ended, with its last words and how often it was
// restarted.
func exit(ended map[string]any, restarts int64) string {
	code, _ := number(ended["exitCode"])
	text := fmt.Sprintf("ended with exit code %d", code)
	if reason := word(ended, "reason"); reason != "" && reason != "Error" && reason != "Completed" {
		text += " (" + reason + ")"
	}
	if restarts > 0 {
		text += fmt.Sprintf(", %d restarts", restarts)
	}
	if lines := strings.Split(strings.TrimSpace(word(ended, "message")), "\n"); lines[len(lines)-1] != "" {
		text += ": " + strings.Join(strings.Fields(lines[len(lines)-1]), " ")
	}
	return text
}

// pullCause drops what the kubelet and the container runtime put before the
// registry's answer, each time with the image again.
func pullCause(message string) string {
	if _, rest, ok := strings.Cut(message, ": ErrImagePull: "); ok && strings.HasPrefix(message, "Back-off pulling image") {
		message = rest
	}
	message = strings.TrimPrefix(message, "rpc error: code = NotFound desc = ")
	for _, prefix := range []string{"failed to pull and unpack image ", "failed to resolve reference "} {
		if _, rest, ok := strings.Cut(message, `": `); ok && strings.HasPrefix(message, prefix) {
			message = rest
		}
	}
	return message
}

// imageOf is the image as the pod's spec has it: the status may show another
// name for the same image.
func imageOf(pod view, name string) string {
	for _, field := range []string{"initContainers", "containers"} {
		for _, item := range pod.list("spec", field) {
			if m, _ := item.(map[string]any); word(m, "name") == name {
				return word(m, "image")
			}
		}
	}
	return ""
}
