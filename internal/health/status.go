package health

import (
	"fmt"
	"strings"
)

func ready(reason string) Status { return Status{State: Ready, Reason: reason} }

func progressing(format string, args ...any) Status {
	return Status{State: Progressing, Reason: fmt.Sprintf(format, args...)}
}

func stuck(format string, args ...any) Status {
	return Status{State: Progressing, Reason: fmt.Sprintf(format, args...), Stuck: true}
}

func failed(format string, args ...any) Status {
	return Status{State: Failed, Reason: fmt.Sprintf(format, args...)}
}

// terminating names what holds an object that is being deleted.
func terminating(v view) Status {
	var held []string
	for _, f := range v.list("metadata", "finalizers") {
		if name, ok := f.(string); ok {
			held = append(held, name)
		}
	}
	// A namespace is held by spec.finalizers and says itself what is left.
	for _, c := range v.conditions() {
		if c.status == "True" && (c.kind == "NamespaceContentRemaining" || c.kind == "NamespaceFinalizersRemaining") {
			held = append(held, c.message)
		}
	}
	if len(held) == 0 {
		return Status{State: Terminating, Reason: "being deleted"}
	}
	return Status{State: Terminating, Reason: "being deleted, held by " + strings.Join(held, ", ")}
}

// because joins the reason and message of a condition or container state.
func because(reason, message string) string {
	message = strings.Join(strings.Fields(message), " ")
	switch {
	case message == "" || strings.Contains(message, reason) && reason != "":
		if message == "" {
			return reason
		}
		return message
	case reason == "":
		return message
	default:
		return reason + ": " + message
	}
}
