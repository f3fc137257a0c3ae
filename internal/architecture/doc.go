// Package architecture holds no code. Its tests hold the rules that keep the
// project legible: which way dependencies point, that the hub stays blind,
// where SQL and policy live, how packages are named, and how long files get.
package architecture
