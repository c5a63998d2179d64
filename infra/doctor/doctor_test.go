package doctor

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAStackThatIsDeployedAsTheProgramSaysIsWell(t *testing.T) {
	t.Parallel()
	bad, ok := deployed(t, "everything").examine()
	assert.Empty(t, bad)
	assert.Greater(t, ok, 80)
}

func TestTheReportAndItsExitCode(t *testing.T) {
	t.Parallel()
	good, bad, dark := Finding{OK, "a", ""}, Finding{Wrong, "b", "do this"}, Finding{Unknown, "c", "look"}
	for _, tt := range []struct {
		findings []Finding
		code     int
	}{{[]Finding{good}, 0}, {[]Finding{good, dark}, 3}, {[]Finding{dark, bad}, 1}} {
		assert.Equal(t, tt.code, Print(tt.findings, &bytes.Buffer{}))
	}
	var out bytes.Buffer
	Print([]Finding{good, bad, dark}, &out)
	assert.Equal(t, "ok      a\nwrong   b\n        → do this\nunknown c\n        → look\n"+
		"1 ok, 1 wrong, 1 unknown\n", out.String())
}
