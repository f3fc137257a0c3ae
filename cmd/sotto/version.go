package main

import (
	"fmt"
	"runtime/debug"
)

type versionCommand struct{}

func (versionCommand) Run(s streams) error {
	version, revision := built()
	if revision != "" {
		revision = " " + revision
	}
	_, err := fmt.Fprintf(s.out, "sotto %s%s\n", version, revision)
	return err
}

// built returns this program's version, and the revision that it was built from
// if that is known.
func built() (version, revision string) {
	version = "unreleased"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, ""
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			revision = setting.Value
		}
	}
	return version, revision
}
