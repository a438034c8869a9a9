// Package hostile breaks the rules of every port of a whole node and checks that the node does not break: what is wrong is
// refused or dropped and counted, only who sent it is affected, and calls go on. The package has tests only; each file
// is one way to be hostile. The parsers and engines behind have tests of their own in their packages.
package hostile
