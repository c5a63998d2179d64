package links

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheCommandsOfThePageForApplications are carried out as they stand there.
func TestTheCommandsOfThePageForApplications(t *testing.T) { // changes the working folder, so not in parallel
	page, err := os.ReadFile("../issue/README.md")
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^    ((?:gunzip [^|]*\| )?)links (issue .*?)(?: +#.*)?$`).FindAllStringSubmatch(string(page), -1)
	require.Len(t, lines, 4)
	d := deploy(t)
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("inventory", 0o700))
	for name, text := range map[string]string{
		"keys.txt": "chat/a b.jpg\ns3://media/chat/c.jpg\n", "export.csv": "id,photo\n1,chat/a b.jpg\n2,chat/c.jpg\n",
		"export.ndjson.gz":       `{"id":1,"photo":"chat/a b.jpg"}` + "\n" + `"chat/c.jpg"` + "\n",
		"inventory/data1.csv.gz": `"media","chat/a+b.jpg"` + "\n", "inventory/data2.csv.gz": `"media","chat/c.jpg"` + "\n",
	} {
		content := []byte(text)
		if strings.HasSuffix(name, ".gz") {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, _ = w.Write(content)
			require.NoError(t, w.Close())
			content = b.Bytes()
		}
		require.NoError(t, os.WriteFile(name, content, 0o600))
	}
	for _, line := range lines {
		var in []byte
		if producer := strings.TrimSuffix(line[1], "| "); producer != "" {
			in, err = exec.Command("bash", "-c", producer).Output()
			require.NoError(t, err, producer)
		}
		args := strings.Fields(line[2])
		to := args[len(args)-1]
		if to == "--csv" {
			to = args[len(args)-2]
		}
		require.NoError(t, os.RemoveAll(to))
		got := d.links(string(in), args...)
		assert.Equal(t, exitOK, got.code, "%s\n%s", line[2], got.err)
		assert.Contains(t, got.err, "links: 2 links, 0 without one", line[2])
		text, err := os.ReadFile(to)
		require.NoError(t, err)
		assert.Contains(t, string(text), "s3://media/chat/a b.jpg")
	}
}
