// Package depstest holds the picture of the house as a test: which package may import which, inside the module and outside
// of it, and that each says what it is for. There is no code here; depstest_test.go has the allow-list, picture_test.go
// what reads the source and compares.
//
// A new package gets a line in the allow-list, and a line that no package needs any more goes.
package depstest
