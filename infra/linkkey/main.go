// Command linkkey makes the key that seals a stack's links, or rotates it, with
// the Pulumi command line: the key goes into the stack's configuration,
// encrypted, and is never printed or an argument of a command.
package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"secure-media-cdn/function/link"
)

func main() {
	stack := flag.String("stack", "dev", "name of the stack")
	rotate := flag.Bool("rotate", false, "replace the key; links of the one before still work")
	flag.Parse()
	if err := run(config{stack: *stack}, *rotate, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(c config, rotate bool, out io.Writer) error {
	current, err := c.get("linkKey")
	switch {
	case err != nil:
		return err
	case current != "" && !rotate:
		return fmt.Errorf("stack %s has a link key already: to replace it, run `make rotate-key STACK=%s`", c.stack, c.stack)
	case current == "" && rotate:
		return fmt.Errorf("stack %s has no link key yet: make one with `make link-key STACK=%s`", c.stack, c.stack)
	}
	id := 1
	if rotate {
		if id, err = link.NextID(current); err != nil {
			return err
		}
		// First: if the second step fails, the next try finds the same current
		// key, and the stack as it is now has lost nothing.
		if err := c.set("previousLinkKey", current); err != nil {
			return err
		}
	}
	key, err := link.MakeKey(id, rand.Reader)
	if err != nil {
		return err
	}
	if err := c.set("linkKey", key); err != nil {
		return err
	}
	fmt.Fprintf(out, "stack %s has link key %d now: deploy it with `make up STACK=%s`\n", c.stack, id, c.stack)
	if rotate {
		fmt.Fprintln(out, "links of the key before the previous one end with that deployment; rotate no sooner than a link lives")
	}
	return nil
}

// config is the configuration of one stack, as the Pulumi command line keeps it.
type config struct{ stack string }

// get returns a value, or "" if there is none.
func (c config) get(key string) (string, error) {
	out, err := c.pulumi("", "config", "get", key)
	if err != nil && strings.Contains(err.Error(), "not found") {
		return "", nil
	}
	return strings.TrimSpace(out), err
}

func (c config) set(key, value string) error {
	_, err := c.pulumi(value, "config", "set", "--secret", key)
	return err
}

func (c config) pulumi(stdin string, args ...string) (string, error) {
	cmd := exec.Command("pulumi", append(args, "--stack", c.stack, "--non-interactive")...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", errors.New("this needs the Pulumi command line: https://www.pulumi.com/docs/install/")
	case err != nil:
		return "", fmt.Errorf("pulumi %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
