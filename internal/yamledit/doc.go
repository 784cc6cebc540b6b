// Package yamledit changes YAML that people write by replacing a few bytes:
// comments, quotes, blank lines, line ends, the byte order mark and everything
// else outside of the value that is set stay as they are.
//
// Layout says where nodes begin and end in a text, which the YAML library does
// not. What it finds is a guess that every edit checks: the result is read
// again and must be the same tree with nothing but the requested change.
//
// The package is pure: it reads and writes no files.
package yamledit
