// Package bench measures, in one run on one machine, the edge function beside
// the same job in Node.js and beside the least that any function must do, and
// the images function beside sharp. README.md in this folder says how to read
// the figures. It prints tables and writes build/bench.json.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"secure-media-cdn/infra/local/engine"
)

// Run measures in the project's folder. short measures little, to see whether
// the bench works; its figures mean nothing.
func Run(ctx context.Context, short bool) error {
	links, photos := lookups, pictures
	if short {
		links, photos = quickLookups, quickPictures
	}
	debug.SetGCPercent(1000) // the bench's own garbage must not disturb what it measures
	if _, err := os.Stat("go.mod"); err != nil {
		return errors.New("run the bench in the project's folder")
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	r := result{When: time.Now().UTC().Truncate(time.Second)}
	if r.Machine, err = thisMachine(root); err != nil {
		return err
	}
	if r.Pictures, err = measurePictures(root, photos); err != nil {
		return err
	}
	if r.Lookups, err = measureLookups(ctx, root, links); err != nil {
		return err
	}
	r.Machine.LoadAfter = load()
	fmt.Print(r.tables())
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return write(filepath.Join(root, "build", "bench.json"), append(data, '\n'))
}

func measureLookups(ctx context.Context, root string, p plan) ([]figure, error) {
	say("lookups: building the functions")
	db, err := engine.DynamoDB(ctx, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := fill(ctx, db.URL); err != nil {
		return nil, err
	}
	sides, err := prepareLookups(root, db.URL)
	if err != nil {
		return nil, err
	}
	say("lookups: checking that both functions give the same answers to %d events", len(cases()))
	if err := compare(sides[goFunction], sides[node]); err != nil {
		return nil, err
	}
	var m measured
	if m.zip, err = zipSizes(sides); err != nil {
		return nil, err
	}
	j := job{event: live.event(), check: goesOn}
	say("lookups, cold: %d starts of each", p.coldStarts)
	if m.cold, err = cold(p.coldStarts, slices.Collect(maps.Values(sides)), j); err != nil {
		return nil, err
	}
	say("lookups, warm: %d requests to each", p.warm)
	delete(sides, goBinary) // once it runs, it is the same process as goFunction
	floor := contender{name: bare, ask: floor(db.URL)}
	if m.warm, m.used, err = warm(p, slices.Collect(maps.Values(sides)), j, floor); err != nil {
		return nil, err
	}
	return m.lookupFigures(), nil
}

func zipSizes(sides map[string]side) (map[string]int64, error) {
	sizes := map[string]int64{}
	for name, s := range sides {
		if s.zip == "" {
			continue
		}
		info, err := os.Stat(s.zip)
		if err != nil {
			return nil, err
		}
		sizes[name] = info.Size()
	}
	return sizes, nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }

// machine is where a run took place.
type machine struct {
	Processor  string `json:"processor"`
	Processors int    `json:"processors"`
	System     string `json:"system"`
	Go         string `json:"go"`
	Python     string `json:"python"`
	Node       string `json:"node"`
	// The kernel's load averages. A load before of much more than a few tenths
	// means that other work disturbed the run.
	LoadBefore string `json:"loadBefore"`
	LoadAfter  string `json:"loadAfter"`
}

func thisMachine(root string) (m machine, err error) {
	m = machine{
		Processors: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Go: strings.TrimPrefix(runtime.Version(), "go"), LoadBefore: load(),
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, rest, _ := strings.Cut(string(info), "model name\t: ")
		m.Processor, _, _ = strings.Cut(rest, "\n")
	}
	if m.Python, err = output(root, "python3", "-c", "import platform; print(platform.python_version())"); err != nil {
		return m, err
	}
	m.Node, err = output(root, "node", "-p", "process.versions.node")
	return m, err
}

// load returns the load averages of the last 1, 5 and 15 minutes, or "".
func load() string {
	averages, _ := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(averages))
	return strings.Join(fields[:min(3, len(fields))], " ")
}
