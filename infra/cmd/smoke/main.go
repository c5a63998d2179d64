// Command smoke runs the conformance scripts of the local edge against a real
// deployment, as far as they need nothing but a live link: what AWS's documents
// leave open is seen here first.
package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"secure-media-cdn/infra/local/cloudfront/conformance"
)

func main() {
	scripts := flag.String("scripts", "infra/local/cloudfront/testdata", "folder of the scripts")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: smoke [-scripts DIR] https://<cdn>/images/<hash>\nThe link must be live, and its photo at least 2 KB large.")
	}
	flag.Parse()
	if err := run(*scripts, flag.Arg(0), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}

func run(folder, link string, out io.Writer) error {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || !strings.HasPrefix(u.Path, "/images/") {
		return errors.New("give it a live link: make smoke URL=https://<cdn>/images/<hash>")
	}
	target, err := conformance.NewRemote(u.Scheme + "://" + u.Host)
	if err != nil {
		return err
	}
	if err := live(target, u.Path); err != nil {
		return err
	}
	vars := map[string]string{"photo": u.Path, "unknown": "/images/" + guess()}
	paths, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return err
	}
	passed, failed := 0, 0
	for _, path := range paths {
		script, err := read(path)
		if err != nil {
			return err
		}
		if script.LocalOnly {
			continue
		}
		if err := conformance.Run(script, target, vars); err != nil {
			failed++
			fmt.Fprintf(out, "FAIL %s: %s\n     %v\n     source: %s\n", filepath.Base(path), script.Rule, err, script.Source)
			continue
		}
		passed++
		fmt.Fprintf(out, "ok   %s: %s\n", filepath.Base(path), script.Rule)
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", passed, failed)
	switch {
	case passed+failed == 0:
		return fmt.Errorf("there are no scripts in %s", folder)
	case failed > 0:
		return errors.New("the deployment differs from what the local edge takes for CloudFront's rules")
	}
	return nil
}

// live makes sure of the link, without which no script says anything.
func live(target *conformance.Remote, path string) error {
	resp, err := target.Do(http.MethodGet, path, nil, false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the link answers %d: give it a live one, of a stack with delivery origin", resp.StatusCode)
	}
	return nil
}

func read(path string) (conformance.Script, error) {
	f, err := os.Open(path)
	if err != nil {
		return conformance.Script{}, err
	}
	defer f.Close()
	script, err := conformance.Parse(f)
	if err != nil {
		return script, fmt.Errorf("%s: %w", path, err)
	}
	return script, nil
}

// guess is a hash that nobody was given.
func guess() string {
	raw := make([]byte, 24)
	rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}
