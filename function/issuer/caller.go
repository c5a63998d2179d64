package issuer

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"secure-media-cdn/function/issue/api"
)

// Caller is an IAM principal and the services whose links it may issue, show and revoke.
type Caller struct {
	// Principal is the ARN of an IAM role or user, or an account as its number or root ARN: everybody there whom IAM
	// lets call the Function URL.
	Principal string `json:"principal"`
	// Services are names of the stack's services.
	Services []string `json:"services"`
}

// maxListsBytes is what the callers and the lists of names may take of the 4 KB that a function's environment may have.
// The names of all variables take some 350 bytes and the other values, in long ones of each, some 700.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxListsBytes = 3000

var (
	accountForm = regexp.MustCompile(`^(?:(\d{12})|arn:aws:iam::(\d{12}):root)$`)
	roleForm    = regexp.MustCompile(`^arn:aws:iam::(\d{12}):role/(?:[\w+=,.@-]+/)*([\w+=,.@-]+)$`)
	userForm    = regexp.MustCompile(`^arn:aws:iam::(\d{12}):user/(?:[\w+=,.@-]+/)*[\w+=,.@-]+$`)
	sessionForm = regexp.MustCompile(`^arn:aws:sts::(\d{12}):assumed-role/([\w+=,.@-]+)/[\w+=,.@-]+$`)
)

// identity names who a principal is, as far as a call shows it. An account is its number and a user its whole ARN. A
// role is its account and name: the ARN of a session does not tell the role's path. The name is enough, because an
// account has only one role of a name, on any path. Somebody who may delete that role and create another one of its
// name can call in its place; so can somebody who may change whom the role trusts.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func identity(principal string) (string, bool) {
	if m := accountForm.FindStringSubmatch(principal); m != nil {
		return m[1] + m[2], true
	}
	if m := roleForm.FindStringSubmatch(principal); m != nil {
		return m[1] + " " + m[2], true
	}
	return principal, userForm.MatchString(principal)
}

// CheckCallers returns what is wrong with the callers of a stack with the services, one error each that begins with
// the quoted value.
func CheckCallers(callers []Caller, services []string) []error {
	var problems []error
	wrong := func(value, rule string, args ...any) {
		problems = append(problems, fmt.Errorf("%q: %s", value, fmt.Sprintf(rule, args...)))
	}
	seen := map[string]string{}
	for _, c := range callers {
		id, ok := identity(c.Principal)
		switch {
		case !ok:
			wrong(c.Principal, "it must be the ARN of a role or user, or an account number; never a wildcard")
		case seen[id] == c.Principal:
			wrong(c.Principal, "it is listed twice")
		case seen[id] != "":
			wrong(c.Principal, "a call of it looks like one of %s: an account has only one role of a name", seen[id])
		}
		seen[id] = c.Principal
		if len(c.Services) == 0 {
			wrong(c.Principal, "name the services that it may issue links of")
		}
		for n, service := range c.Services {
			if !slices.Contains(services, service) {
				wrong(c.Principal, "there is no service %q", service)
			}
			if slices.Contains(c.Services[:n], service) {
				wrong(c.Principal, "the service %q is listed twice", service)
			}
		}
	}
	return problems
}

// CheckSize returns an error if the callers and the lists of names, of services and of variants, are too much for the
// function's environment; it begins with how many callers there are. A service that asks for tickets is in two lists.
func CheckSize(callers []Caller, lists ...[]string) error {
	size := len(EncodeCallers(callers))
	for _, names := range lists {
		size += len(strings.Join(names, ","))
	}
	if size > maxListsBytes {
		return fmt.Errorf("%d callers: with the names of services and variants they take %d bytes of the issuer's "+
			"environment, which has room for %d: name an account instead of its roles, or choose shorter names",
			len(callers), size, maxListsBytes)
	}
	return nil
}

// EncodeCallers returns the callers as EnvCallers holds them.
func EncodeCallers(callers []Caller) string {
	if callers == nil {
		callers = []Caller{}
	}
	text, err := json.Marshal(callers)
	if err != nil { // strings always encode
		panic(err)
	}
	return string(text)
}

// DecodeCallers reads what EncodeCallers wrote.
func DecodeCallers(text string) ([]Caller, error) {
	if problem := api.CheckText([]byte(text)); problem != nil {
		return nil, problem
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var callers []Caller
	if err := decoder.Decode(&callers); err != nil || callers == nil || decoder.More() {
		return nil, fmt.Errorf("it must be a JSON list of {principal, services}")
	}
	return callers, nil
}

// callers are the services of each identity.
type callers map[string][]string

func byIdentity(all []Caller) callers {
	c := callers{}
	for _, one := range all {
		id, _ := identity(one.Principal)
		c[id] = one.Services
	}
	return c
}

// services returns those of the caller that Lambda has authenticated: what its account, its user and its role are
// named for. Everybody else gets none: IAM lets more principals call than the stack names, such as administrators of
// its account.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func (c callers) services(authorizer *events.LambdaFunctionURLRequestContextAuthorizerDescription) []string {
	if authorizer == nil || authorizer.IAM == nil {
		return nil
	}
	arn := authorizer.IAM.UserARN
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) < 6 || fields[4] == "" || fields[4] != authorizer.IAM.AccountID {
		return nil
	}
	id := arn
	if m := sessionForm.FindStringSubmatch(arn); m != nil {
		id = m[1] + " " + m[2]
	} else if !userForm.MatchString(arn) {
		id = ""
	}
	return slices.Concat(c[fields[4]], c[id])
}
