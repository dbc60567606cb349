package main

import (
	"context"

	"github.com/spf13/cobra"
)

// main runs the program once and gives its exit code.
func (s *state) main(ctx context.Context) int {
	root := s.root()
	root.SetArgs(s.args)
	return s.code(root.ExecuteContext(ctx))
}

func (s *state) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "blackout",
		Short: "See what an outage does to the users of a web3 app",
		Long: `Blackout brings an outage to your own machine: a real local chain, the RPC providers that your
app calls, the clouds and regions they run in, and a timeline of what fails. It drives your app
as users do, compares every answer with what was true on the chain, and says how the app degraded.`,
		Example: `  blackout run aws-us-east-1-down --app scenarios/apps/wallet-single/app.yaml
  blackout list
  blackout explain infura-unreachable`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(s.stdin)
	root.SetOut(s.stdout)
	root.SetErr(s.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(err, "see "+c.CommandPath()+" --help")
	})
	root.AddCommand(
		s.runCommand(), s.cellCommand(), s.planCommand(), s.lintCommand(), s.listCommand(), s.explainCommand(), s.reportCommand(), s.scorecardCommand(),
		s.doctorCommand(), s.schemaCommand(), s.versionCommand(),
	)
	return root
}
