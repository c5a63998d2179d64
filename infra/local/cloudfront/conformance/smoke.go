package conformance

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Smoke runs the scripts of the folder that need nothing but a live link against the distribution that the link is
// of, and tells out of each. The photo must be at least 2 KB large.
func Smoke(folder, link string, out io.Writer) error {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || !strings.HasPrefix(u.Path, "/images/") {
		return errors.New("give it a live link: make smoke URL=https://<cdn>/images/<hash>")
	}
	target, err := NewRemote(u.Scheme + "://" + u.Host)
	if err != nil {
		return err
	}
	if err := live(target, u.Path); err != nil {
		return err
	}
	scripts, err := ReadAll(folder)
	if err != nil {
		return err
	}
	guess := make([]byte, 24)
	rand.Read(guess) // never fails
	vars := map[string]string{"photo": u.Path, "unknown": "/images/" + base64.RawURLEncoding.EncodeToString(guess)}
	passed, failed := 0, 0
	for _, s := range scripts {
		if s.LocalOnly {
			continue
		}
		if err := Run(s, target, vars); err != nil {
			failed++
			fmt.Fprintf(out, "FAIL %s: %s\n     %v\n     source: %s\n", s.Name, s.Rule, err, strings.Join(s.Sources, ", "))
			continue
		}
		passed++
		fmt.Fprintf(out, "ok   %s: %s\n", s.Name, s.Rule)
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return errors.New("the deployment does not follow the rules that the local run takes for CloudFront's")
	}
	return nil
}

// live makes sure of the link, without which no script says anything.
func live(target *Remote, path string) error {
	resp, err := target.Do(http.MethodGet, path, nil, "", false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the link answers %d: give a live one, of a stack with delivery origin", resp.StatusCode)
	}
	return nil
}

// ReadAll reads every script of a folder. A folder without any is an error.
func ReadAll(folder string) ([]Script, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("there are no scripts in %s", folder)
	}
	if err != nil {
		return nil, err
	}
	var scripts []Script
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		script, err := Parse(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		script.Name = strings.TrimSuffix(filepath.Base(path), ".txt")
		scripts = append(scripts, script)
	}
	return scripts, nil
}
