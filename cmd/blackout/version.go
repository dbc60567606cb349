package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// released is set by the linker in a release build.
var released string

// version names this build: the release, else the commit, else "devel".
func version() string {
	if released != "" {
		return released
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	revision, dirty := "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value[:min(12, len(setting.Value))]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			dirty = "+changes"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + dirty
}

func (s *state) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program and of what it drives", Args: cobra.NoArgs,
		Example: "  blackout version",
		RunE: func(c *cobra.Command, _ []string) error {
			fmt.Fprintf(s.stdout, "blackout %s\n%s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return nil
			}
			for _, dep := range info.Deps {
				switch dep.Path {
				case "github.com/ethereum/go-ethereum", "github.com/Shopify/toxiproxy/v2", "github.com/testcontainers/testcontainers-go":
					fmt.Fprintf(s.stdout, "%s %s\n", dep.Path, dep.Version)
				}
			}
			return nil
		},
	}
}
