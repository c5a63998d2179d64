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

// Given is what somebody has of a deployment.
type Given struct {
	// Link is a live link of a photo of at least 2 KB. It must be bound to an audience if there is a Ticket, and only
	// then.
	Link string
	// Variant is the name of one of the stack's variants, Ticket one that opens the link; empty for none.
	Variant, Ticket string
}

// Smoke runs the scripts of the folder, and those of its folder "stack", that need no more than what is given, against
// the distribution that the link is of, and tells out of each. Of a bound link only those are run that need a ticket.
func Smoke(folder string, given Given, out io.Writer) error {
	u, err := url.Parse(given.Link)
	if err != nil || u.Host == "" || !strings.HasPrefix(u.Path, "/images/") {
		return errors.New("give it a live link: make smoke URL=https://<cdn>/images/<hash>")
	}
	target, err := NewRemote(u.Scheme + "://" + u.Host)
	if err != nil {
		return err
	}
	if err := live(target, u.Path, given.Ticket); err != nil {
		return err
	}
	scripts, err := ReadAll(folder)
	if err != nil {
		return err
	}
	ours, err := ReadAll(filepath.Join(folder, "stack"))
	if err != nil {
		return err
	}
	guess := make([]byte, 24)
	rand.Read(guess) // never fails
	vars := map[string]string{"photo": u.Path, "unknown": "/images/" + base64.RawURLEncoding.EncodeToString(guess),
		needsVariant: given.Variant, needsTicket: given.Ticket}
	passed, failed, skipped := 0, 0, map[string]int{}
	for _, s := range append(scripts, ours...) {
		switch {
		case s.LocalOnly, given.Ticket != "" && s.Needs != needsTicket:
			continue
		case s.Needs != "" && vars[s.Needs] == "":
			skipped[s.Needs]++
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
	if n := skipped[needsVariant]; n > 0 {
		fmt.Fprintf(out, "%d more are about variants: name one with VARIANT=<name>\n", n)
	}
	if n := skipped[needsTicket]; n > 0 {
		fmt.Fprintf(out, "%d more are about bound links: give one, and TICKET=<a ticket that opens it>\n", n)
	}
	if failed > 0 {
		return errors.New("the deployment does not follow the rules that the local run takes for CloudFront's")
	}
	return nil
}

// live makes sure of the link, without which no script says anything.
func live(target *Remote, path, ticket string) error {
	header := http.Header{}
	if ticket != "" {
		header.Set("Authorization", "Bearer "+ticket)
	}
	resp, err := target.Do(http.MethodGet, path, header, "", false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized {
		return errors.New("the link is bound to an audience: give TICKET=<a ticket that opens it>, of a stack whose " +
			"viewerCarriers have bearer")
	}
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
