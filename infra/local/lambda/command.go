package lambda

import (
	_ "embed"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// bootstrap does what AWS's Python runtime client does at init.
//
//go:embed bootstrap.py
var bootstrap string

// command returns the program of an environment, and its arguments.
func command(cfg Config, dir string) ([]string, error) {
	switch cfg.Runtime {
	case Provided:
		return []string{filepath.Join(dir, "bootstrap")}, nil
	case Python:
		python, err := findPython()
		if err != nil {
			return nil, err
		}
		// -B: /var/task cannot be written to in AWS either.
		return []string{python, "-B", "-c", bootstrap}, nil
	default:
		return nil, fmt.Errorf("runtime %q is not implemented: only %s and %s are", cfg.Runtime, Python, Provided)
	}
}

// findPython returns the interpreter itself: the python3 of the search path may be a wrapper that needs variables
// which the function does not get.
func findPython() (string, error) {
	path, err := exec.LookPath("python3")
	if err != nil {
		return "", fmt.Errorf("python3 is not installed: the launcher in the bundle needs it")
	}
	out, err := exec.Command(path, "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return "", fmt.Errorf("asking %s for its interpreter: %w", path, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// variables returns the environment as Lambda makes it, AWS_LAMBDA_RUNTIME_API excepted, and nothing of the host's.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func variables(cfg Config, dir string) ([]string, error) {
	group := "/aws/lambda/" + cfg.Name
	set := map[string]string{
		"_HANDLER":                        cfg.Handler,
		"AWS_ACCESS_KEY_ID":               cfg.Credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           cfg.Credentials.SecretAccessKey,
		"AWS_REGION":                      cfg.Region,
		"AWS_DEFAULT_REGION":              cfg.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        cfg.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     cfg.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(cfg.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       group,
		"AWS_LAMBDA_LOG_STREAM_NAME":      "local",
		"LAMBDA_TASK_ROOT":                dir,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ":                              ":UTC",
	}
	if cfg.Runtime != Provided { // OS-only runtimes do not get it
		set["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + cfg.Runtime
	}
	for name, value := range cfg.Environment {
		if _, reserved := set[name]; reserved || name == "AWS_LAMBDA_RUNTIME_API" {
			return nil, fmt.Errorf("environment variable %s is Lambda's own", name)
		}
		set[name] = value
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		list = append(list, name+"="+set[name])
	}
	return list, nil
}
