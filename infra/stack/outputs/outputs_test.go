package outputs_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/stack/outputs"
)

var update = flag.Bool("update", false, "rewrite schema.json")

// examples returns the example of every output, as the schema documents it.
func examples(t *testing.T) map[string]any {
	t.Helper()
	data, err := schema()
	require.NoError(t, err)
	var read struct {
		Properties map[string]struct{ Examples []any }
		Required   []string
	}
	require.NoError(t, json.Unmarshal(data, &read))
	all := map[string]any{}
	for name, property := range read.Properties {
		require.Len(t, property.Examples, 1, name)
		all[name] = property.Examples[0]
	}
	assert.Len(t, read.Required, len(all)-3, "every output is always there but those of an existing bucket")
	return all
}

func encoded(t *testing.T, v any) *bytes.Reader {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return bytes.NewReader(data)
}

func TestGoldenSchemaIsThatOfTheType(t *testing.T) {
	got, err := schema()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("schema.json", got, 0o644))
	}
	want, err := os.ReadFile("schema.json")
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "if the change is meant, run `make golden`: applications depend on it")
}

func TestReadTakesWhatPulumiPrints(t *testing.T) {
	want := examples(t)
	got, err := outputs.Read(encoded(t, want))
	require.NoError(t, err)
	back, err := json.Marshal(got)
	require.NoError(t, err)
	wanted, err := json.Marshal(want)
	require.NoError(t, err)
	assert.JSONEq(t, string(wanted), string(back))

	want["outputOfALaterVersion"] = true
	_, err = outputs.Read(encoded(t, want))
	assert.NoError(t, err, "an output that is not known yet is ignored")
}

func TestReadNamesEveryMissingOutput(t *testing.T) {
	some := examples(t)
	delete(some, "issuerUrl")
	some["mappingRegions"] = nil
	_, err := outputs.Read(encoded(t, some))
	assert.EqualError(t, err, "stack output mappingRegions is missing\nstack output issuerUrl is missing")

	_, err = outputs.Read(strings.NewReader(`{"linkTtlSeconds":"a month"}`))
	assert.ErrorContains(t, err, "reading stack outputs")
	_, err = outputs.Read(strings.NewReader(`{}`))
	assert.EqualError(t, err, "the stack has no outputs: deploy it first, with `make up`")
	_, err = outputs.Read(strings.NewReader(``))
	assert.Error(t, err)
}

func TestTheEnvironmentSurvivesAShell(t *testing.T) {
	all := examples(t)
	all["dashboardUrl"] = `https://x/#it's "here"; $(false) & $HOME`
	o, err := outputs.Read(encoded(t, all))
	require.NoError(t, err)
	var env bytes.Buffer
	require.NoError(t, o.WriteEnv(&env))
	out, err := exec.Command("sh", "-ec",
		env.String()+`printf '%s\n' "$MEDIA_CDN_BASE_URL" "$MEDIA_LINK_TTL_SECONDS" "$MEDIA_SERVICES" `+
			`"$MEDIA_MAPPING_REGIONS" "$MEDIA_DASHBOARD_URL"`).Output()
	require.NoError(t, err)
	assert.Equal(t, []string{
		"https://media.example.com", "2592000", "discussion=private,marketplace=public", "eu-central-1,us-east-1",
		`https://x/#it's "here"; $(false) & $HOME`, "",
	}, strings.Split(string(out), "\n"))
	assert.Equal(t, len(all), strings.Count(env.String(), "\n"), "one line per output")
}

func TestTheEnvironmentSaysWhatViewersNeedAndWhatAnExistingBucketDoes(t *testing.T) {
	env := func(change func(map[string]any)) string {
		all := examples(t)
		change(all)
		o, err := outputs.Read(encoded(t, all))
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, o.WriteEnv(&out))
		return out.String()
	}
	existing := env(func(all map[string]any) {
		all["services"] = []map[string]string{{"name": "chat", "access": "private", "viewers": "ticket"},
			{"name": "shop", "access": "public"}}
	})
	assert.Contains(t, existing, "MEDIA_SERVICES='chat=private=ticket,shop=public'\n")
	assert.Contains(t, existing, `MEDIA_IMAGE_VARIANTS='avatar:width=96,height=96,fit=cover;w640:width=640'`)
	assert.Contains(t, existing, `MEDIA_BUCKET_NOTIFICATION='{"Events":`)

	own := env(func(all map[string]any) {
		for _, name := range []string{"bucketPolicyStatement", "bucketNotification", "keyPolicyStatement"} {
			delete(all, name)
		}
		all["imageVariants"] = map[string]any{}
	})
	assert.NotContains(t, own, "MEDIA_BUCKET_NOTIFICATION", "what a stack does not have is not there, rather than empty")
	assert.Contains(t, own, "MEDIA_IMAGE_VARIANTS=''\n", "that there are no variants is said")
}
