package component

import "go.etcd.io/etcd/server/v3/etcdmain"

// runEtcd hands over to etcd, which calls os.Exit itself on failure.
func runEtcd(args []string) int {
	etcdmain.Main(append([]string{Etcd}, args...))
	return 0
}
