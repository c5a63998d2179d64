package cloudfrontjs

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
)

// Check reports everything in a function's source that cloudfront-js-2.0 does
// not document: syntax, names and modules; a source above [MaxSource] bytes; and
// a missing handler. All problems are in the one error, each with its line.
//
// The members of built-in objects are not looked at, because their type is not
// known from the source: those that are not documented are missing when the
// function runs.
func Check(source string) error {
	if len(source) > MaxSource {
		return fmt.Errorf("the function has %d bytes, and CloudFront takes at most %d", len(source), MaxSource)
	}
	program, err := parser.ParseFile(nil, "function.js", replaceImports(source), 0, parser.WithDisableSourceMaps)
	if err != nil {
		return fmt.Errorf("parsing the function: %w", err)
	}
	c := &checker{file: program.File, declared: map[string]bool{"__import": true}}
	c.collect(reflect.ValueOf(program.Body))
	c.walk(reflect.ValueOf(program.Body), 0)
	if !c.handler(program.Body) {
		c.problems = append(c.problems, errors.New("there is no function named handler"))
	}
	return errors.Join(c.problems...)
}

// importLine is the one form of import there is: a module's default export, on
// a line of its own. Any other import or export fails to parse, as it should.
var importLine = regexp.MustCompile(`(?m)^[ \t]*import[ \t]+([A-Za-z_$][A-Za-z0-9_$]*)[ \t]+from[ ` +
	`\t]+('[a-z]+'|"[a-z]+");?[ \t]*$`)

// replaceImports turns imports into calls, which goja can run, line by line.
func replaceImports(source string) string {
	return importLine.ReplaceAllString(source, "const $1 = __import($2);")
}

// syntax are the documented kinds of node: ES 5.1, and of later versions let,
// const, templates, arrow functions, rest parameters, async and await. Some are
// allowed in certain forms only: see checker.form.
var syntax = kinds(
	ast.ArrayLiteral{}, ast.AssignExpression{}, ast.AwaitExpression{}, ast.BinaryExpression{}, ast.BooleanLiteral{},
	ast.BracketExpression{}, ast.CallExpression{}, ast.ConditionalExpression{}, ast.DotExpression{}, ast.FunctionLiteral{},
	ast.ArrowFunctionLiteral{}, ast.ExpressionBody{}, ast.Identifier{}, ast.NewExpression{}, ast.NullLiteral{},
	ast.NumberLiteral{}, ast.ObjectLiteral{}, ast.ParameterList{}, ast.PropertyKeyed{}, ast.RegExpLiteral{},
	ast.SequenceExpression{}, ast.StringLiteral{}, ast.TemplateElement{}, ast.TemplateLiteral{}, ast.ThisExpression{},
	ast.UnaryExpression{}, ast.Binding{}, ast.BlockStatement{}, ast.BranchStatement{}, ast.CaseStatement{},
	ast.CatchStatement{}, ast.DoWhileStatement{}, ast.EmptyStatement{}, ast.ExpressionStatement{}, ast.ForInStatement{},
	ast.ForStatement{}, ast.IfStatement{}, ast.LabelledStatement{}, ast.ReturnStatement{}, ast.SwitchStatement{},
	ast.ThrowStatement{}, ast.TryStatement{}, ast.VariableStatement{}, ast.LexicalDeclaration{}, ast.WhileStatement{},
	ast.FunctionDeclaration{}, ast.ForLoopInitializerExpression{}, ast.ForLoopInitializerVarDeclList{},
	ast.ForLoopInitializerLexicalDecl{}, ast.ForIntoVar{}, ast.ForDeclaration{}, ast.ForIntoExpression{},
)

func kinds(nodes ...any) map[reflect.Type]bool {
	set := make(map[reflect.Type]bool, len(nodes))
	for _, n := range nodes {
		set[reflect.TypeOf(n)] = true
	}
	return set
}

type checker struct {
	file     *file.File
	declared map[string]bool // every name the source declares, wherever
	problems []error
}

func (c *checker) refuse(at file.Idx, format string, args ...any) {
	line := c.file.Position(int(at) - c.file.Base()).Line
	c.problems = append(c.problems, fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...)))
}

// collect gathers the declared names. One scope for all is enough: a name that
// is declared nowhere is what to find.
func (c *checker) collect(v reflect.Value) {
	if v.CanInterface() {
		switch n := v.Interface().(type) {
		case *ast.Binding:
			c.declare(n.Target)
		case *ast.FunctionLiteral:
			if n != nil && n.Name != nil {
				c.declare(n.Name)
			}
		case *ast.ParameterList:
			c.declare(n.Rest)
		case *ast.CatchStatement:
			if n != nil {
				c.declare(n.Parameter)
			}
		case *ast.ForDeclaration:
			c.declare(n.Target)
		}
	}
	eachChild(v, c.collect)
}

func (c *checker) declare(target ast.Expression) {
	if name, ok := target.(*ast.Identifier); ok {
		c.declared[name.Name.String()] = true
	}
}

// walk refuses every node that is not documented. depth counts the functions
// around it.
func (c *checker) walk(v reflect.Value, depth int) {
	if node, ok := nodeOf(v); ok {
		kind := v.Elem().Type()
		if !syntax[kind] {
			c.refuse(node.Idx0(), "%s is not documented for cloudfront-js-2.0", kind.Name())
			return
		}
		c.form(node, depth)
		switch n := node.(type) {
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
			depth++
		case *ast.BranchStatement: // its label is no name
			return
		case *ast.LabelledStatement:
			c.walk(reflect.ValueOf(n.Statement), depth)
			return
		}
	}
	eachChild(v, func(child reflect.Value) { c.walk(child, depth) })
}

// nodeOf returns the syntax node that v points to, if it is one.
func nodeOf(v reflect.Value) (ast.Node, bool) {
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, false
	}
	node, ok := v.Interface().(ast.Node)
	return node, ok
}

// eachChild calls visit with everything that v holds or points to.
func eachChild(v reflect.Value, visit func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			if v.Kind() == reflect.Interface {
				visit(v.Elem())
				return
			}
			eachChild(v.Elem(), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			// DeclarationList repeats bindings that the body holds as well.
			if field := v.Type().Field(i); field.IsExported() && field.Name != "DeclarationList" {
				visit(v.Field(i))
			}
		}
	}
}
