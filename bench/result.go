package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// result is what one run found; build/bench.json holds it. Times are in
// milliseconds, memory and sizes in bytes.
type result struct {
	When    time.Time `json:"when"`
	Machine machine   `json:"machine"`
	// Cold, Alone and Crowd hold one series per side.
	Cold  map[string]summary `json:"coldStart"`
	Alone map[string]summary `json:"warm1"`
	Crowd map[string]summary `json:"warm8"`
	// ColdStarts are the single starts, in their order.
	ColdStarts map[string][]float64 `json:"coldStarts"`
	CPU        map[string]float64   `json:"cpuPerRequest"`
	CrowdCPU   map[string]float64   `json:"cpuPerRequest8"`
	Resident   map[string]int64     `json:"residentBytes"`
	Peak       map[string]int64     `json:"peakResidentBytes"`
	Zip        map[string]int64     `json:"zipBytes"`
	Bars       []bar                `json:"bars"`
}

type machine struct {
	Processor  string `json:"processor"`
	Processors int    `json:"processors"`
	System     string `json:"system"`
	Go         string `json:"go"`
	Python     string `json:"python"`
	Node       string `json:"node"`
	// The kernel's load averages: much more than a few before, and somebody else
	// was at work.
	LoadBefore string `json:"loadBefore"`
	LoadAfter  string `json:"loadAfter"`
}

func thisMachine(root string) (machine, error) {
	m := machine{Processors: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, rest, _ := strings.Cut(string(info), "model name\t: ")
		m.Processor, _, _ = strings.Cut(rest, "\n")
	}
	m.LoadBefore = load()
	var err error
	if m.Python, err = output(root, "python3", "-c", "import platform; print(platform.python_version())"); err != nil {
		return m, err
	}
	m.Node, err = output(root, "node", "-p", "process.versions.node")
	return m, err
}

// load returns the load averages of the last 1, 5 and 15 minutes, or "".
func load() string {
	averages, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(averages))[:3], " ")
}

// bar is one of the figures that the edge function must keep to.
type bar struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Unit  string  `json:"unit,omitempty"`
	Met   bool    `json:"met"`
}

// overFloor is what the side's own work takes at the median: without the
// Runtime API's hop, which a function that does nothing takes, and without the
// bare read.
func (r result) overFloor(side, null string) float64 {
	return r.Alone[side].P50 - r.Alone[null].P50 - r.Alone[bare].P50
}

// What AWS's own start of a managed runtime takes before a function of its
// language does anything, in milliseconds, at 256 MB: the sandbox, the unzipping,
// the interpreter and AWS's runtime client.
// https://github.com/maxday/lambda-perf, 22 August 2026
const (
	python313Start = 87
	nodejs22Start  = 140
)

// onAWS estimates both cold starts on AWS: its own part, and what the function
// takes after that. For ours that is the binary alone, Python being AWS's part;
// for Node.js it is what it took beyond a function that does nothing.
func (r result) onAWS() (ours, theirs float64) {
	return python313Start + r.Cold[goBinary].P50, nodejs22Start + r.Cold[node].P50 - r.Cold[nodeNull].P50
}

// judge holds the figures against the bars.
func (r result) judge() []bar {
	ratio := func(a, b float64) float64 { return a / b }
	ours, theirs := r.onAWS()
	bars := []bar{
		{Name: "cold start, p50, of Node.js", Value: ratio(r.Cold[goEdge].P50, r.Cold[node].P50), Limit: 0.6},
		{Name: "cold start on AWS, estimated, of Node.js", Value: ratio(ours, theirs), Limit: 0.6},
		{Name: "warm p50, 1 environment, of Node.js", Value: ratio(r.Alone[goEdge].P50, r.Alone[node].P50), Limit: 0.5},
		{Name: "warm p99, 1 environment, of Node.js", Value: ratio(r.Alone[goEdge].P99, r.Alone[node].P99), Limit: 0.5},
		{Name: fmt.Sprintf("warm p50, %d environments, of Node.js", crowd), Value: ratio(r.Crowd[goEdge].P50, r.Crowd[node].P50), Limit: 0.5},
		{Name: fmt.Sprintf("warm p99, %d environments, of Node.js", crowd), Value: ratio(r.Crowd[goEdge].P99, r.Crowd[node].P99), Limit: 0.5},
		{Name: "over the floor, p50, without the hop", Value: r.overFloor(goEdge, goNull), Limit: 0.25, Unit: "ms"},
		{Name: "resident memory, of Node.js", Value: ratio(float64(r.Resident[goEdge]), float64(r.Resident[node])), Limit: 0.5},
		{Name: "zip", Value: megabytes(r.Zip[goEdge]), Limit: 3.5, Unit: "MB"},
	}
	for i := range bars {
		bars[i].Met = bars[i].Value <= bars[i].Limit
	}
	return bars
}

// megabytes are millions of bytes, the larger figure for a given file.
func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

func (r result) json() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	return append(data, '\n'), err
}
