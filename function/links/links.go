// Package links is the command that issues, shows, revokes and lists links from a shell, and makes tickets for their
// viewers: package client with arguments and exit codes. It needs nothing but the stack's outputs, and is the worked
// example of an application that reads them:
//
//	pulumi stack output --json > outputs.json
//	links --outputs outputs.json issue s3://my-bucket/simple-chat/cat.jpg
//	find-objects | links --outputs outputs.json issue -
//	links --outputs outputs.json issue --from export.csv --format csv --column photo --to links.ndjson
//	links --outputs outputs.json revoke https://media.example.com/images/…
//	links --outputs outputs.json list
//
// Calls are signed with the credentials of the standard AWS chain: environment, profile, or role. The principal must
// be one of the stack's issuerPrincipals, and named for the service. Without --outputs, the stack of `make run` is
// called, with credentials that are good for nothing else.
//
// What is printed can be seen: keys and messages with control characters or line ends are quoted as Go strings.
//
// Exit codes: 0 all went well; 1 something asked for failed; 2 the command line
// is wrong; 3 the issuer could not be reached or refused us.
package links

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"secure-media-cdn/function/links/bulk"
	"secure-media-cdn/function/links/visible"
)

// Exit codes.
const (
	exitOK = iota
	exitFailed
	exitUsage
	exitUnreachable
)

// terminal is what the command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// tell prints a line about the error to standard error.
func (t terminal) tell(err error) { fmt.Fprintln(t.err, "links:", visible.Quote(err.Error())) }

// Run carries out one command line and returns its exit code.
func Run(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	return run(ctx, args, terminal{in, out, err}, localOutputs)
}

// commandLine is the command's flags and arguments.
type commandLine struct {
	Outputs string `help:"${outputsHelp}" placeholder:"FILE" type:"path"`
	JSON    bool   `name:"json" help:"Print one JSON object a line, as the API describes them."`

	Issue  issueCommand  `cmd:"" help:"Issue links to objects of the media bucket."`
	Show   showCommand   `cmd:"" help:"Show what links stand for and whether they are served."`
	Revoke revokeCommand `cmd:"" help:"Revoke links, or all links of objects."`
	List   listCommand   `cmd:"" help:"${listHelp}"`
	Viewer viewerCommand `cmd:"" help:"Make tickets for viewers of services that ask for them, and end them."`
}

// parserExit is the panic with which kong ends the program, after --help.
type parserExit int

// run is Run with its terminal in one piece. local is the file with the outputs of the local stack.
func run(ctx context.Context, args []string, t terminal, local string) (code int) {
	// Before kong, which replaces what is not UTF-8.
	if err := checkText(args); err != nil {
		return conclude(t, err)
	}
	var line commandLine
	parser, err := kong.New(&line,
		kong.Name("links"),
		kong.Description("Issue, show and revoke links to private media, and make tickets for its viewers.\n\n"+
			"Exit codes: 0 all went well, 1 something failed, 2 wrong usage, 3 the issuer cannot be reached or refuses."),
		kong.Vars{
			"outputsHelp": "Stack outputs, as pulumi stack output --json prints them. Default: those of make run.",
			"audienceHelp": "Who may see the objects, of a service that asks for tickets: the service, or SERVICE/NAME. " +
				"Default: the service.",
			"targetsHelp": "Links, their hashes, or objects as s3://bucket/key, which lose all their links; " +
				"- reads one a line from standard input.",
			"listHelp": "List the live links, one JSON object a line. It needs dynamodb:Scan on the mapping table, " +
				"which no caller of the issuer has.",
			"column":     bulk.DefaultColumn,
			"formatHelp": "What the input is: lines (one object a line), ndjson, csv, or inventory (S3's, as CSV).",
			"toHelp": "Write to this file instead of standard output. If an earlier run was interrupted, the same " +
				"command goes on behind what the file has.",
		},
		kong.Writers(t.out, t.err),
		kong.Exit(func(code int) { panic(parserExit(code)) }),
	)
	if err != nil {
		t.tell(err)
		return exitUsage
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case parserExit:
			code = int(p)
		default:
			panic(p)
		}
	}()
	parsed, err := parser.Parse(args)
	if err != nil {
		t.tell(fmt.Errorf("%w: --help lists what there is", err))
		return exitUsage
	}
	stack, err := connect(ctx, line.Outputs, local)
	if err != nil {
		t.tell(err)
		return exitUsage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(&session{stack: stack, terminal: t, json: line.JSON})
	return conclude(t, err)
}

// errFailed says that some of what was asked for failed, which was told.
var errFailed = errors.New("some of it failed")

// usageError says that the arguments cannot be what was meant.
type usageError struct{ error }

// conclude tells the error and returns its exit code.
func conclude(t terminal, err error) int {
	var wrong usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.As(err, &wrong):
		t.tell(err)
		return exitUsage
	default:
		t.tell(err)
		return exitUnreachable
	}
}
