// Package local runs a stack on this machine, without a cloud account: it
// evaluates the Pulumi program and makes what that registers real here. See
// package resources.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// Options are the command line of `make run`.
type Options struct {
	Stack       string            `default:"dev" help:"Stack to run: Pulumi.<stack>.yaml is read."`
	Port        int               `default:"8080" env:"PORT" help:"Port of the CDN; 0 takes any free one."`
	Env         bool              `help:"Print what an application needs to use the running stack, and run nothing."`
	Propagation time.Duration     `default:"0s" env:"PROPAGATION" help:"How long a revocation takes to reach the gate."`
	Clean       bool              `help:"Delete what an earlier run left, and start afresh."`
	Config      map[string]string `help:"Override configuration, as key=value." placeholder:"KEY=VALUE"`
	Root        string            `default:"." help:"Folder that holds Pulumi.yaml."`
	Dir         string            `default:"build/local" help:"Folder for the state, relative to the root."`
}

// dir is the state folder's path.
func (f Options) dir() (string, error) {
	if filepath.IsAbs(f.Dir) {
		return f.Dir, nil
	}
	return filepath.Abs(filepath.Join(f.Root, f.Dir))
}

// Run brings the stack up, says so on out, and ends it when ctx does.
func Run(ctx context.Context, f Options, out, log io.Writer) error {
	if f.Env {
		return PrintEnv(f, out)
	}
	p, err := start(ctx, f, out, log)
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted while starting")
		}
		return err
	}
	defer p.Close()
	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "ending")
		return nil
	case err := <-p.Failed():
		return err
	}
}
