package resources

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	issuerfn "secure-media-cdn/function/issuer"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/lambda"
)

// maxPayload is the largest request that Lambda takes, and the largest answer that it gives.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxPayload = 6 << 20

// accountID is the account that everything here belongs to, and localUser who signs with Local.
const (
	accountID = "123456789012"
	users     = "arn:aws:iam::" + accountID + ":user/"
	localUser = users + "local"
)

// service is the service principal of CloudFront, and serviceKey signs as it. Only this process knows the secret.
const service = "cloudfront.amazonaws.com"

var serviceKey = aws.Credentials{AccessKeyID: service, SecretAccessKey: rand.Text()}

// caller returns the credentials that a request must be signed with. Like localUser, each user of the account has the
// name as the access key, and the name twice as its secret: a signature alone does not cover the access key. So the
// services that issuerPrincipals names for a user can be tried here.
func caller(r *http.Request) aws.Credentials {
	if m := accessKey.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		if m[1] == service {
			return serviceKey
		}
		return aws.Credentials{AccessKeyID: m[1], SecretAccessKey: m[1] + m[1]}
	}
	return Local
}

var accessKey = regexp.MustCompile(`Credential=([\w+=.@-]+)/`)

// withLocalUser names localUser for every service, beside the callers that the stack's configuration names. It is
// the one thing in a function's environment that a deployment does not have: its issuerPrincipals cannot name a user
// who exists on one machine only.
func withLocalUser(environment map[string]string) error {
	text, ok := environment[issuerfn.EnvCallers]
	if !ok {
		return nil
	}
	callers, err := issuerfn.DecodeCallers(text)
	if err != nil {
		return fmt.Errorf("the issuer's callers: %w", err)
	}
	services := strings.FieldsFunc(
		environment[issuerfn.EnvPrivateServices]+","+environment[issuerfn.EnvPublicServices],
		func(r rune) bool { return r == ',' })
	if len(services) == 0 {
		return nil
	}
	environment[issuerfn.EnvCallers] = issuerfn.EncodeCallers(append(callers, issuerfn.Caller{Principal: localUser,
		Services: services}))
	return nil
}

// functionURL stands for a Lambda function's own address with IAM auth.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
type functionURL struct {
	function *function
	region   string
	granted  map[string]bool // the actions, each after the distribution that CloudFront may do it for
}

// neededActions are what a caller of a function's URL must be granted.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
var neededActions = []string{"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}

// allows reports whether who signed with the key may call the URL. Users of the account may do everything here.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html
func (u *functionURL) allows(key aws.Credentials, source string) bool {
	return key.AccessKeyID != service || !slices.ContainsFunc(neededActions,
		func(action string) bool { return !u.granted[source+" "+action] })
}

// ServeHTTP checks the signature and hands the request over as an event.
func (u *functionURL) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	key := caller(r)
	if err := verify(r, body, key, "lambda", u.region, time.Now()); err != nil {
		refuse(w, http.StatusForbidden, "Forbidden: "+err.Error())
		return
	}
	if !u.allows(key, r.Header.Get(cloudfront.HeaderSourceARN)) {
		refuse(w, http.StatusForbidden, "Forbidden: the function's policy does not grant the distribution "+
			strings.Join(neededActions, " and "))
		return
	}
	event := urlEvent(r, body, key.AccessKeyID)
	event.RequestContext.RequestID = lambda.NewRequestID()
	payload, err := json.Marshal(event)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	if len(payload) > maxPayload {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	out, err := u.function.InvokeAs(r.Context(), event.RequestContext.RequestID, payload)
	var failed *lambda.Error
	switch {
	case errors.Is(err, lambda.ErrThrottled):
		// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html "Throttling function URLs"
		refuse(w, http.StatusTooManyRequests, "Rate Exceeded.")
	case errors.As(err, &failed):
		refuse(w, http.StatusBadGateway, "Internal Server Error")
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
	default:
		answer(w, out)
	}
}

// urlEvent is the request in payload format 2.0, of a user, or of a service if that is who signed.
func urlEvent(r *http.Request, body []byte, user string) events.LambdaFunctionURLRequest {
	now := time.Now()
	e := events.LambdaFunctionURLRequest{
		Version: "2.0", RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{"host": r.Host}, QueryStringParameters: map[string]string{},
		Body: base64.StdEncoding.EncodeToString(body), IsBase64Encoded: true,
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") && utf8.Valid(body) {
		e.Body, e.IsBase64Encoded = string(body), false
	}
	for _, c := range r.Cookies() {
		e.Cookies = append(e.Cookies, c.Name+"="+c.Value)
	}
	for name, values := range r.Header {
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	for name, values := range r.URL.Query() {
		e.QueryStringParameters[name] = strings.Join(values, ",")
	}
	arn := users + user
	if user == service {
		arn = service
	}
	e.RequestContext = events.LambdaFunctionURLRequestContext{
		AccountID: accountID,
		Authorizer: &events.LambdaFunctionURLRequestContextAuthorizerDescription{
			IAM: &events.LambdaFunctionURLRequestContextAuthorizerIAMDescription{
				AccessKey: user, AccountID: accountID, UserARN: arn,
			},
		},
		Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		HTTP: events.LambdaFunctionURLRequestContextHTTPDescription{
			Method: r.Method, Path: r.URL.EscapedPath(), Protocol: r.Proto, SourceIP: "127.0.0.1", UserAgent: r.UserAgent(),
		},
	}
	return e
}

func answer(w http.ResponseWriter, out []byte) {
	var a events.LambdaFunctionURLResponse
	if err := json.Unmarshal(out, &a); err != nil || a.StatusCode < 100 || a.StatusCode > 599 {
		refuse(w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			refuse(w, http.StatusBadGateway, "Internal Server Error")
			return
		}
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	for _, cookie := range a.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(a.StatusCode)
	_, _ = w.Write(body)
}

// refuse answers as Lambda's front door does, in JSON.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Message": message})
}

// counted tells Options.OnURL of every answer.
func (m *Stack) counted(function string, h http.Handler) http.Handler {
	if m.o.OnURL == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(seen, r)
		m.o.OnURL(function, seen.status)
	})
}

// statusWriter remembers the status that was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
