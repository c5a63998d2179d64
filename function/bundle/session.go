package bundle

// session is the function behind /session.
var session = spec{
	pkg: "./function/cmd/session", binary: "bootstrap", goos: "linux", goarch: "arm64",
	zip: "build/session.zip",
}

// Session builds the zip of the Lambda that exchanges tokens for tickets and returns its path.
func Session(root string) (string, error) { return session.build(root) }

// SessionForHost is Session for the machine it runs on.
func SessionForHost(root string) (string, error) { return session.forHost().build(root) }
