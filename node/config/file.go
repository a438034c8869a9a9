package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// largestFile is far more than all settings together need.
const largestFile = 1 << 20

// readFile reads the file that --config names.
func readFile(path string) (assignments, Problems) {
	file, err := os.Open(path)
	if err != nil {
		return nil, Problems{{Where: "--config", What: err.Error(), Want: "a YAML file that can be read"}}
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, largestFile+1))
	if err != nil {
		return nil, Problems{{Where: "--config", What: err.Error(), Want: "a YAML file that can be read"}}
	}
	return readYAML(filepath.Base(path), text)
}

// readYAML takes a configuration file apart: one mapping from settings to scalars or sequences of scalars.
func readYAML(file string, text []byte) (assignments, Problems) {
	if len(text) > largestFile {
		return nil, Problems{{Where: file, What: "the file is too large", Want: fmt.Sprintf("at most %d bytes", largestFile)}}
	}
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil {
			return nil, Problems{{Where: fmt.Sprintf("%s:%d", file, syntax.Token.Position.Line), What: "no YAML: " + syntax.Message}}
		}
		return nil, Problems{{Where: file, What: "no YAML: " + err.Error()}}
	}
	keys := assignments{}
	var problems Problems
	for _, document := range parsed.Docs {
		if document.Body == nil {
			continue
		}
		pairs, ok := pairs(document.Body)
		if !ok {
			problems = append(problems, Problem{Where: position(file, document.Body), What: "no list of settings", Want: "lines such as http: :8080"})
			continue
		}
		for _, pair := range pairs {
			problems = append(problems, keys.read(file, pair)...)
		}
	}
	return keys, problems
}

// read takes one key of the file.
func (a assignments) read(file string, pair *ast.MappingValueNode) Problems {
	where := position(file, pair.Key)
	key, ok := scalar(pair.Key)
	if !ok {
		return Problems{{Where: where, What: "the key is no name", Want: "the name of a flag without its --"}}
	}
	setting, ok := find(key)
	if !ok {
		return Problems{{Where: where, What: "there is no setting " + quote(key), Want: suggestion("", key, "the name of a flag without its --")}}
	}
	where += ": " + key
	if _, twice := a[key]; twice {
		return Problems{{Where: where, What: "given twice", Want: "one of them"}}
	}
	var values []string
	switch value := pair.Value.(type) {
	case nil, *ast.NullNode:
		return nil // "http:" alone says nothing
	case *ast.SequenceNode:
		if !setting.list {
			return Problems{{Where: where, What: "a list", Want: "one value: " + setting.form}}
		}
		for _, element := range value.Values {
			text, ok := scalar(element)
			if !ok {
				return Problems{{Where: position(file, element) + ": " + key, What: "an element is no text", Want: setting.form}}
			}
			values = append(values, text)
		}
	default:
		text, ok := scalar(value)
		if !ok {
			return Problems{{Where: where, What: "the value is no text", Want: setting.form}}
		}
		values = []string{text}
	}
	if len(values) > 0 {
		a[key] = assignment{where: where, values: values}
	}
	return nil
}

func pairs(body ast.Node) ([]*ast.MappingValueNode, bool) {
	switch node := body.(type) {
	case *ast.MappingNode:
		return node.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{node}, true
	}
	return nil, false
}

// scalar returns a plain value as it is written, so that "off" and "10000" mean what they mean elsewhere.
func scalar(node ast.Node) (string, bool) {
	switch node.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return node.GetToken().Value, true
	}
	return "", false
}

func position(file string, node ast.Node) string {
	if node == nil || node.GetToken() == nil || node.GetToken().Position == nil {
		return file
	}
	return fmt.Sprintf("%s:%d", file, node.GetToken().Position.Line)
}
