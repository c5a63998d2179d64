package links

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/mapping/mappingtest"
)

func TestTheLiveLinksAreListed(t *testing.T) { // sets the environment, so not in parallel
	server := mappingtest.Engine(t)
	table := mappingtest.Table(t, server, nil)
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	for n, service := range []string{"chat", "board"} {
		o := mapping.Object{Bucket: "media", Key: service + "/a\nb"}
		hash := mappingtest.Hash(n)
		require.NoError(t, table.Apply(t.Context(), mapping.Change{
			Record: mapping.Record{Object: o, Hashes: map[string]time.Time{hash: end}},
			Add: []mapping.Mapping{{Hash: hash, Object: o, CreatedAt: time.Now(), ExpiresAt: end, Service: service,
				Audience: service + "/room"}},
		}))
	}
	d := deploy(t)
	d.write(t, `{"issuerUrl":"`+d.URL+`/","mediaBucketRegion":"eu-central-1","mappingTable":"`+table.Name+`",`+
		`"mappingRegions":["eu-central-1"],"cdnBaseUrl":"https://cdn.example"}`)

	for _, elsewhere := range []string{"", "https://127.0.0.1:1", "http://example.com"} {
		t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", elsewhere)
		got := d.links("", "list")
		assert.Equal(t, exitUsage, got.code)
		assert.Contains(t, got.err, "make -s env", "the local stack's table is nowhere else")
	}
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", server.URL)
	got := d.links("", "list")
	require.Equal(t, exitOK, got.code, got.err)
	assert.Equal(t, "links: 2 live links\n", got.err)
	assert.Equal(t, 2, strings.Count(got.out, "\n"))

	got = d.links("", "list", "--service", "board")
	require.Equal(t, exitOK, got.code, got.err)
	var one listed
	require.NoError(t, json.Unmarshal([]byte(got.out), &one))
	assert.Equal(t, "s3://media/board/a\nb", one.Object)
	assert.Equal(t, "https://cdn.example/images/"+mappingtest.Hash(1), one.URL)
	assert.Equal(t, end.UTC(), one.ExpiresAt)
	assert.Equal(t, "board/room", one.Audience)
	assert.Zero(t, d.calls.Load(), "the issuer is not asked")
	assert.Equal(t, exitUsage, d.links("", "list", "--read-units", "0").code)
	d.write(t, `{"issuerUrl":"`+d.URL+`/","mediaBucketRegion":"eu-central-1"}`)
	assert.Contains(t, d.links("", "list").err, "no mappingTable")
}
