package cloudfrontjs

import (
	"reflect"
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// form refuses undocumented forms of documented nodes.
func (c *checker) form(node ast.Node, depth int) {
	switch n := node.(type) {
	case *ast.Identifier:
		c.name(n)
	case *ast.FunctionLiteral:
		if n.Generator {
			c.refuse(n.Idx0(), "generators are not documented for cloudfront-js-2.0")
		}
		if n.Async && depth > 0 {
			c.refuse(n.Idx0(), "async closures are not supported: declare the function at the top")
		}
		c.parameters(n.ParameterList)
	case *ast.ArrowFunctionLiteral:
		if n.Async {
			c.refuse(n.Idx0(), "async closures are not supported: declare the function at the top")
		}
		c.parameters(n.ParameterList)
	case *ast.CallExpression:
		c.arguments(n.ArgumentList)
	case *ast.NewExpression:
		c.arguments(n.ArgumentList)
	default:
		c.expression(node)
	}
}

// expression is the part of form about operators, literals and catch.
func (c *checker) expression(node ast.Node) {
	switch n := node.(type) {
	case *ast.BinaryExpression:
		if n.Operator == token.COALESCE {
			c.refuse(n.Idx0(), "the operator ?? is not documented for cloudfront-js-2.0")
		}
	case *ast.AssignExpression:
		if slices.Contains([]token.Token{token.COALESCE, token.LOGICAL_AND, token.LOGICAL_OR}, n.Operator) {
			c.refuse(n.Idx0(), "the operator %s= is not documented for cloudfront-js-2.0", n.Operator)
		}
	case *ast.TemplateLiteral:
		if n.Tag != nil {
			c.refuse(n.Idx0(), "tagged templates are not documented for cloudfront-js-2.0")
		}
	case *ast.PropertyKeyed:
		if n.Computed || n.Kind == ast.PropertyKindMethod {
			c.refuse(n.Idx0(), "computed keys and methods in object literals are not documented for cloudfront-js-2.0")
		}
	case *ast.CatchStatement:
		if n.Parameter == nil {
			c.refuse(n.Idx0(), "catch without a parameter is not documented for cloudfront-js-2.0")
		}
	case *ast.RegExpLiteral:
		if strings.Trim(n.Flags, "gimy") != "" {
			c.refuse(n.Idx0(), "of the flags of a regular expression only g, i, m and y are documented, not %q", n.Flags)
		}
	case *ast.NumberLiteral:
		if strings.HasSuffix(n.Literal, "n") {
			c.refuse(n.Idx0(), "BigInt is not documented for cloudfront-js-2.0")
		}
	}
}

func (c *checker) parameters(list *ast.ParameterList) {
	for _, p := range list.List {
		if p.Initializer != nil {
			c.refuse(p.Idx0(), "default parameters are not documented for cloudfront-js-2.0")
		}
	}
}

// arguments refuses await anywhere in what is passed to a function. The page
// says "async arguments are not supported"; njs refuses to load such a source.
func (c *checker) arguments(list []ast.Expression) {
	var find func(v reflect.Value)
	find = func(v reflect.Value) {
		if node, ok := nodeOf(v); ok {
			switch n := node.(type) {
			case *ast.AwaitExpression:
				c.refuse(n.Idx0(), "await is not supported among arguments: give the result a name first")
				return
			case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
				return
			}
		}
		eachChild(v, find)
	}
	find(reflect.ValueOf(list))
}

func (c *checker) name(n *ast.Identifier) {
	name := n.Name.String()
	switch {
	case c.declared[name] || slices.Contains(globals, name):
	case slices.Contains(notModelled, name):
		c.refuse(n.Idx0(), "%s exists at CloudFront but is not modelled here", name)
	default:
		c.refuse(n.Idx0(), "%s is neither declared nor documented for cloudfront-js-2.0", name)
	}
}

func (c *checker) handler(body []ast.Statement) bool {
	for _, statement := range body {
		if f, ok := statement.(*ast.FunctionDeclaration); ok && f.Function.Name.Name == "handler" {
			return true
		}
	}
	return false
}
