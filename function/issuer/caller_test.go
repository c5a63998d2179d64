package issuer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/mapping/mappingtest"
	"secure-media-cdn/function/variant"
)

func TestACallIsWhoIAMSaysItIs(t *testing.T) {
	t.Parallel()
	c := byIdentity([]Caller{
		{"arn:aws:iam::123456789012:role/apps/chat", []string{"chat"}},
		{"arn:aws:iam::123456789012:role/shop", []string{"shop"}},
		{"arn:aws:iam::123456789012:user/ops/ann", []string{"chat", "board"}},
		{"210987654321", []string{"board"}},
		{"arn:aws:iam::210987654321:role/shop", []string{"shop"}},
		{"arn:aws:iam::333333333333:root", []string{"nudges"}},
	})
	for name, tt := range map[string]struct {
		arn  string
		want []string
	}{
		"a role's session": {"arn:aws:sts::123456789012:assumed-role/chat/i-0123", []string{"chat"}},
		"another session of the role": {
			"arn:aws:sts::123456789012:assumed-role/chat/ann@example.com", []string{"chat"},
		},
		"a role without a path":     {"arn:aws:sts::123456789012:assumed-role/shop/x", []string{"shop"}},
		"a user":                    {"arn:aws:iam::123456789012:user/ops/ann", []string{"chat", "board"}},
		"a role in a named account": {"arn:aws:sts::210987654321:assumed-role/any/x", []string{"board"}},
		"a named role in a named account": {"arn:aws:sts::210987654321:assumed-role/shop/x",
			[]string{"board", "shop"}},
		"a user in a named account":                  {"arn:aws:iam::210987654321:user/bob", []string{"board"}},
		"a federated user in a named account":        {"arn:aws:sts::210987654321:federated-user/bob", []string{"board"}},
		"the root of a named account":                {"arn:aws:iam::333333333333:root", []string{"nudges"}},
		"a role of the name in another account":      {"arn:aws:sts::999999999999:assumed-role/chat/x", nil},
		"a role whose name begins with a named one":  {"arn:aws:sts::123456789012:assumed-role/chatter/x", nil},
		"a role whose name ends with a named one":    {"arn:aws:sts::123456789012:assumed-role/my-chat/x", nil},
		"a role of the name in other letters":        {"arn:aws:sts::123456789012:assumed-role/Chat/x", nil},
		"a session called after a named role":        {"arn:aws:sts::123456789012:assumed-role/other/chat", nil},
		"a role's ARN instead of its session's":      {"arn:aws:iam::123456789012:role/apps/chat", nil},
		"a session with a path":                      {"arn:aws:sts::123456789012:assumed-role/apps/chat/x", nil},
		"a session without a name":                   {"arn:aws:sts::123456789012:assumed-role/chat", nil},
		"a user of a named role's name":              {"arn:aws:iam::123456789012:user/chat", nil},
		"a user of the name under another path":      {"arn:aws:iam::123456789012:user/ann", nil},
		"a user whose name begins with a named one":  {"arn:aws:iam::123456789012:user/ops/anna", nil},
		"a federated user of a named user's name":    {"arn:aws:sts::123456789012:federated-user/ann", nil},
		"the root of an account that is not named":   {"arn:aws:iam::123456789012:root", nil},
		"an ARN of another partition":                {"arn:aws-cn:sts::123456789012:assumed-role/chat/x", nil},
		"something that is no ARN":                   {"chat", nil},
		"nothing":                                    {"", nil},
		"an account's number":                        {"210987654321", nil},
		"a named role's inner name":                  {"123456789012 chat", nil},
		"an ARN with something after the line's end": {"arn:aws:sts::123456789012:assumed-role/chat/x\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			iam := &events.LambdaFunctionURLRequestContextAuthorizerIAMDescription{UserARN: tt.arn}
			if fields := strings.Split(tt.arn, ":"); len(fields) > 4 {
				iam.AccountID = fields[4]
			}
			d := &events.LambdaFunctionURLRequestContextAuthorizerDescription{IAM: iam}
			assert.Equal(t, tt.want, c.services(d))
			iam.AccountID = "444444444444"
			assert.Empty(t, c.services(d), "the account and the ARN disagree")
		})
	}
	assert.Empty(t, c.services(nil))
	assert.Empty(t, c.services(&events.LambdaFunctionURLRequestContextAuthorizerDescription{}))
}

func TestCallersThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	services := []string{"chat", "shop"}
	role := "arn:aws:iam::123456789012:role/apps/chat"
	for name, tt := range map[string]struct {
		callers []Caller
		want    string
	}{
		"good ones":              {[]Caller{{role, services}, {"210987654321", []string{"shop"}}}, ""},
		"none":                   {nil, ""},
		"anybody":                {[]Caller{{"*", services}}, `"*": it must be the ARN`},
		"any role":               {[]Caller{{"arn:aws:iam::123456789012:role/*", services}}, "never a wildcard"},
		"a path alone":           {[]Caller{{"arn:aws:iam::123456789012:role/apps/", services}}, "it must be the ARN"},
		"an account with a rest": {[]Caller{{"123456789012:root", services}}, "it must be the ARN"},
		"an AWS service":         {[]Caller{{"s3.amazonaws.com", services}}, "it must be the ARN"},
		"a session": {
			[]Caller{{"arn:aws:sts::123456789012:assumed-role/chat/x", services}}, "it must be the ARN",
		},
		"no services":        {[]Caller{{role, nil}}, "name the services"},
		"an unknown service": {[]Caller{{role, []string{"board"}}}, `there is no service "board"`},
		"a service twice":    {[]Caller{{role, []string{"chat", "chat"}}}, `the service "chat" is listed twice`},
		"a principal twice":  {[]Caller{{role, services}, {role, services}}, "it is listed twice"},
		"an account in two forms": {
			[]Caller{{"210987654321", services}, {"arn:aws:iam::210987654321:root", services}}, "looks like one of 210987654321",
		},
		"two roles that are one": {
			[]Caller{{role, []string{"chat"}}, {"arn:aws:iam::123456789012:role/chat",
				[]string{"shop"}}}, "an account has only one role of a name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			problems := CheckCallers(tt.callers, services)
			if tt.want == "" {
				assert.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			assert.ErrorContains(t, problems[0], tt.want)
		})
	}
	back, err := DecodeCallers(EncodeCallers([]Caller{{role, services}}))
	require.NoError(t, err)
	assert.Equal(t, []Caller{{role, services}}, back)
}

func TestCallersAndNamesFitInTheFunctionsEnvironment(t *testing.T) {
	t.Parallel()
	variants := make([]string, variant.MaxVariants)
	for n := range variants {
		variants[n] = fmt.Sprintf("%024d", n)
	}
	require.NoError(t, CheckSize(nil))
	require.NoError(t, CheckSize(many(30)))
	require.NoError(t, CheckSize(many(20), variants))
	require.ErrorContains(t, CheckSize(many(60)), "name an account instead of its roles")
	require.ErrorContains(t, CheckSize(many(30), []string{"chat"}, variants), "choose shorter names")

	// What is left for the rest of the environment is enough for long values.
	env := goodEnvironment()
	env["MEDIA_CALLERS"] = strings.Repeat("x", maxListsBytes)
	env["MEDIA_PUBLIC_SERVICES"], env["MEDIA_PRIVATE_SERVICES"] = "", ""
	env["MEDIA_TICKET_SERVICES"], env["MEDIA_VARIANTS"] = "", ""
	env["MEDIA_TABLE"], env["MEDIA_BUCKET"] = strings.Repeat("t", 63), strings.Repeat("b", 63)
	env["MEDIA_REGIONS"] = strings.Repeat("ap-southeast-2,", 8)
	env["MEDIA_CDN_BASE_URL"] = "https://" + strings.Repeat("d", 100)
	env["MEDIA_VIEWER_COOKIE_DOMAIN"] = strings.Repeat("d", 100)
	size := 0
	for name, value := range env {
		size += len(name) + len(value)
	}
	assert.LessOrEqual(t, size, 4096)
}

func many(n int) []Caller {
	var all []Caller
	for k := range n {
		all = append(all, Caller{fmt.Sprintf("arn:aws:iam::123456789012:role/role-%d", k), []string{"chat"}})
	}
	return all
}

func TestWhoCallsDecidesWhatTheFunctionDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	r := events.LambdaFunctionURLRequest{RawPath: "/links", Body: `{"objects":["s3://media/simple-chat/a.jpg"]}`}
	r.RequestContext.HTTP.Method, r.RequestContext.RequestID = http.MethodPost, testInvocation
	for who, status := range map[*events.LambdaFunctionURLRequestContextAuthorizerDescription]int{
		signedBy(testCaller): 200, signedBy(testCaller + "er"): 403, nil: 403,
	} {
		r.RequestContext.Authorizer = who
		answer, err := h.call(invoked(t.Context()), r)
		require.NoError(t, err)
		assert.Equal(t, status, answer.StatusCode, answer.Body)
	}
}

func TestAnEventOfACallersOwnMakingIsNobodysCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	hash := issued(t, h, "s3://media/simple-chat/a.jpg")
	another := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "another"})
	unnamed := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{})
	for _, id := range []string{testInvocation, ""} {
		for name, ctx := range map[string]context.Context{
			"another invocation": another, "no name": unnamed, "no invocation": t.Context(),
		} {
			var r events.LambdaFunctionURLRequest
			require.NoError(t, json.Unmarshal(event(t, http.MethodDelete, "/links/"+hash, ""), &r))
			r.RequestContext.RequestID = id
			answer, err := h.call(ctx, r)
			require.NoError(t, err)
			assert.Equal(t, http.StatusNotFound, answer.StatusCode, "%s, %q: %s", name, id, answer.Body)
		}
	}
	assert.False(t, w.dead(hash))
	assert.Contains(t, w.log.String(), "no call of the Function URL")
}
