package api_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/api/apitest"
)

// page is what applications read.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	return string(text)
}

func TestThePageNamesEveryCall(t *testing.T) {
	t.Parallel()
	var named []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]+) \\{issuerUrl\\}([^` ]+)`").FindAllStringSubmatch(page(t), -1) {
		named = append(named, m[1]+" /"+m[2])
	}
	var described []string
	for path, item := range readDocument(t).Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	assert.ElementsMatch(t, described, named)
}

// Each request of the table is sent as it is written, with an object in the place of the dots.
func TestThePagesRequestsSucceed(t *testing.T) {
	t.Parallel()
	aws := &apitest.AWS{}
	issuer := aws.Issuer()
	issuer.Services = issue.Services{"simple-chat": issue.ByTicket}
	h := apitest.As(quietAPI(issuer), "simple-chat")
	links, err := issuer.Issue(t.Context(), []string{"s3://media/simple-chat/other.jpg"}, issue.Terms{})
	require.NoError(t, err)
	fill := strings.NewReplacer(`["s3://…"]`, `["s3://media/simple-chat/a.jpg"]`,
		`"objects": […]`, `"objects": ["s3://media/simple-chat/a.jpg"]`, `"hashes": […]`, `"hashes": ["`+links[0].Hash+`"]`)
	requests := regexp.MustCompile("POST \\{issuerUrl\\}(\\w+)(?:` with `|\n +)(\\{[^`\n]*\\})").FindAllStringSubmatch(page(t), -1)
	require.Len(t, requests, 4, "three in the table, and one below")
	for _, m := range requests {
		status, body, _ := call(h, "POST", "/"+m[1], fill.Replace(m[2]))
		assert.Equal(t, 200, status, "%s: %s", m[0], body)
	}
}

func TestThePagesTicketIsOneInForm(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`(?m)^ +(\{"ticket".*)$`).FindStringSubmatch(page(t))
	require.NotNil(t, line)
	decoder := json.NewDecoder(strings.NewReader(line[1]))
	decoder.DisallowUnknownFields()
	var ticket api.Ticket
	require.NoError(t, decoder.Decode(&ticket))
	_, until, err := apitest.Names().OpenSessionID(ticket.Session)
	require.NoError(t, err)
	assert.True(t, ticket.ExpiresAt.Equal(until), "%s", until.UTC())
}

func TestThePageSaysWhatToDoAboutEveryCode(t *testing.T) {
	t.Parallel()
	declared := readDocument(t).Components.Schemas["Problem"].Value.Properties["code"].Value.Enum
	rows := map[string]string{} // statuses by code
	for _, m := range regexp.MustCompile("(?m)^\\| ([0-9, ]+) \\| (`[a-z_`, ]+) \\| \\S").FindAllStringSubmatch(page(t), -1) {
		for code := range strings.SplitSeq(m[2], ", ") {
			rows[strings.Trim(code, "`")] = m[1]
		}
	}
	assert.Len(t, rows, len(declared))
	for _, code := range declared {
		status := strconv.Itoa(issue.Problem(code.(string), "", "").Status())
		assert.Contains(t, rows[code.(string)], status, code)
	}
}
