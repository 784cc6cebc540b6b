package kube

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tugops/tug/internal/fault"
)

// Connect reads the kubeconfig and makes a client. It sends no request: a
// cluster that cannot be reached shows itself at the first use.
func Connect(o Options) (*Client, error) {
	rules := loadingRules(o.Kubeconfig)
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context})
	files := rules.GetLoadingPrecedence()
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, configFault(files, err)
	}
	if err := checkContext(raw, o.Context); err != nil {
		return nil, err
	}
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, configFault(files, err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, configFault(files, err)
	}
	if o.UserAgent != "" {
		config.UserAgent = o.UserAgent
	}
	if o.Wrap != nil {
		config.Wrap(o.Wrap)
	}
	c, err := newClient(config, o.Timeout)
	if err != nil {
		return nil, err
	}
	c.namespace, c.context = namespace, contextName(raw, o.Context)
	return c, nil
}

// As makes a client for the same cluster that acts as another user or service
// account ("system:serviceaccount:NAMESPACE:NAME"); the identity of c needs
// the verb impersonate.
func (c *Client) As(user string, groups ...string) (*Client, error) {
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	as, err := newClient(config, c.timeout)
	if err != nil {
		return nil, err
	}
	as.namespace, as.context = c.namespace, c.context
	return as, nil
}

// loadingRules say which files are read. A single file must exist; of a list,
// as with KUBECONFIG, missing ones are skipped.
func loadingRules(path string) *clientcmd.ClientConfigLoadingRules {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.WarnIfAllMissing = false
	switch paths := filepath.SplitList(path); len(paths) {
	case 0:
	case 1:
		rules.ExplicitPath = paths[0]
	default:
		rules.Precedence = paths
	}
	return rules
}

func contextName(raw clientcmdapi.Config, override string) string {
	if override != "" {
		return override
	}
	return raw.CurrentContext
}

// checkContext refuses an unknown context with the names that exist, and one
// without its cluster, for which client-go would silently use another.
func checkContext(raw clientcmdapi.Config, override string) error {
	name := contextName(raw, override)
	if name == "" {
		return nil
	}
	if context, ok := raw.Contexts[name]; ok {
		if _, ok := raw.Clusters[context.Cluster]; !ok {
			return fault.New(fault.Invalid, "kubeconfig: context %q names a cluster %q that is not in it", name, context.Cluster)
		}
		return nil
	}
	var names []string
	for n := range raw.Contexts {
		names = append(names, n)
	}
	slices.Sort(names)
	f := fault.New(fault.NotFound, "kubeconfig has no context %q", name)
	if len(names) == 0 {
		return f.Hint("the kubeconfig holds no context at all; check --kubeconfig and KUBECONFIG")
	}
	return f.Hint("choose one with --context: %s", strings.Join(names, ", "))
}

// configFault translates what can be wrong with a kubeconfig; files are those
// that were looked at.
func configFault(files []string, err error) error {
	path, isPath := errors.AsType[*fs.PathError](err)
	switch {
	case clientcmd.IsEmptyConfig(err):
		return fault.New(fault.NotFound, "no kubeconfig in %s", strings.Join(files, ", ")).
			Hint("give one with --kubeconfig FILE or the variable KUBECONFIG")
	case isPath && errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "kubeconfig: %s: no such file", path.Path).
			Hint("check --kubeconfig, KUBECONFIG and the files that the kubeconfig names")
	case clientcmd.IsConfigurationInvalid(err):
		return fault.New(fault.Invalid, "kubeconfig: %s", flatten(err)).
			Hint("check the cluster and user that the context names")
	default:
		return fault.New(fault.Invalid, "kubeconfig: %s", flatten(err))
	}
}

// flatten puts the text of an error on one line.
func flatten(err error) string {
	return strings.Join(strings.Fields(fmt.Sprint(err)), " ")
}
