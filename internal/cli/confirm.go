package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// confirm asks a person, unless --yes was given. Anything but a yes is a no;
// an interrupt is one at once.
func (e *Env) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	if !e.InTTY || !e.ErrTTY {
		return fault.New(fault.Usage, "nobody can be asked here, and --yes is not given").
			Hint("add --yes to go ahead without a question")
	}
	fmt.Fprintf(e.Stderr, "%s [y/N] ", question)
	answers := make(chan string, 1)
	go func() { // ends with the process when nobody answers
		// The end of the input is a no.
		text, _ := bufio.NewReader(e.Stdin).ReadString('\n')
		answers <- strings.ToLower(strings.TrimSpace(text))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(e.Stderr)
	case answer := <-answers:
		if answer == "y" || answer == "yes" {
			return nil
		}
	}
	return fault.New(fault.Interrupted, "not confirmed, nothing was changed")
}
