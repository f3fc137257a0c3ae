// Package demo holds the demo practice: Riverside Family Clinic, whose people
// are invented. Its file is also the example that an administrator starts
// from. It holds no passwords: those are made when a demo is started.
package demo

import _ "embed"

// PracticeFile is the demo practice's file; package practice reads it.
//
//go:embed riverside.json
var PracticeFile []byte

// Roster is what the demo practice has on file of its patients, as CSV; package
// roster reads it.
//
//go:embed roster.csv
var Roster []byte
