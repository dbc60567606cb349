package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"blackout/harness/spec"
)

// main runs the program once and gives its exit code.
func (s *state) main(ctx context.Context) int {
	root := s.root()
	root.SetArgs(s.args)
	return s.code(root.ExecuteContext(ctx))
}

// words makes the check of how many words a command takes; max 0 means any number. what is what to type: "SCENARIO… --app APP".
func words(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage(fmt.Errorf("%s needs %s", c.CommandPath(), what), "see "+c.CommandPath()+" --help")
		case most > 0 && len(args) > most:
			return usage(fmt.Errorf("%s takes %s, and not %q as well", c.CommandPath(), what, args[most]), "see "+c.CommandPath()+" --help")
		}
		return nil
	}
}

func (s *state) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "blackout",
		Short: "See what an outage does to the users of a web3 app",
		Long: `Blackout brings an outage to your own machine: a real local chain, the RPC
providers that your app calls, the clouds and regions they run in, and a
timeline of what fails. It drives your app as users do, compares every answer
with what was true on the chain, and says how the app degraded.`,
		Example: `  blackout run aws-us-east-1-down --app scenarios/apps/wallet-single/app.yaml
  blackout list
  blackout explain infura-unreachable`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(s.stdin)
	root.SetOut(s.stdout)
	root.SetErr(s.stderr)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		hint := "see " + c.CommandPath() + " --help"
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			var names []string
			c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
			if near := spec.Suggest("--"+unknown.GetSpecifiedName(), names); near != "" {
				hint = near
			}
		}
		return usage(err, hint)
	})
	root.AddCommand(
		s.runCommand(), s.cellCommand(), s.enterCommand(), s.inhabitCommand(), s.planCommand(), s.initCommand(), s.lintCommand(), s.listCommand(), s.explainCommand(), s.reportCommand(), s.gateCommand(), s.scorecardCommand(), s.compareCommand(), s.traceCommand(), s.auditCommand(),
		s.imagesCommand(), s.cleanCommand(), s.doctorCommand(), s.schemaCommand(), s.versionCommand(),
	)
	return root
}
