package component

import (
	_ "time/tzdata" // CronJob time zones on machines without zone files

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // version metric
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// runKube runs one of the three Kubernetes programs the way its own main does.
func runKube(name string, args []string) int {
	cmd := kubeCommand(name)
	cmd.SetArgs(args)
	return cli.Run(cmd)
}

func kubeCommand(name string) *cobra.Command {
	switch name {
	case APIServer:
		return apiserver.NewAPIServerCommand()
	case ControllerManager:
		return controllermanager.NewControllerManagerCommand()
	default:
		return scheduler.NewSchedulerCommand()
	}
}
