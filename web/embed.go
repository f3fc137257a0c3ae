// Package web holds the built web pages, which the server gives out as they
// are. "npm run build" fills dist; without it only an empty folder is embedded,
// so that the Go code compiles on a machine without Node.
package web

import "embed"

// Dist is the folder dist: launcher.js, c/index.html, staff/index.html and
// assets, whose names hold a hash. Files worth it have .br and .gz twins.
//
//go:embed all:dist
var Dist embed.FS

// Clinic is the sample page of the demo's clinic, in src/clinic: plain HTML
// that embeds the chat as any clinic would.
//
//go:embed src/clinic
var Clinic embed.FS
