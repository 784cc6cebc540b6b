package kubetest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tugops/tug/internal/kube"
)

// Restricted is a user with no rights but those that were allowed to it: a
// service account with a token of its own.
type Restricted struct {
	// Name as the cluster sees it: system:serviceaccount:NAMESPACE:NAME.
	Name string
	// Kubeconfig is a file with the user's token.
	Kubeconfig string
	// Client acts as the user.
	Client *kube.Client

	t         testing.TB
	api       kubernetes.Interface
	namespace string
	account   string
}

// Rule is a policy rule: verbs and resources are separated by commas, and
// names are those of single objects.
func Rule(verbs, group, resources string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{
		Verbs: strings.Split(verbs, ","), APIGroups: []string{group},
		Resources: strings.Split(resources, ","), ResourceNames: names,
	}
}

// User is a new user that may do what the rules say in a namespace, by a Role.
func User(t testing.TB, namespace string, rules ...rbacv1.PolicyRule) *Restricted {
	t.Helper()
	api, name := Kubernetes(t), Name(t)
	account := &corev1.ServiceAccount{ObjectMeta: v1.ObjectMeta{Name: name}}
	if _, err := api.CoreV1().ServiceAccounts(namespace).Create(t.Context(), account, v1.CreateOptions{}); err != nil {
		t.Fatalf("create service account: %v", err)
	}
	u := &Restricted{
		Name: "system:serviceaccount:" + namespace + ":" + name,
		t:    t, api: api, namespace: namespace, account: name,
	}
	u.Kubeconfig = TokenConfig(t, namespace, name)
	u.Client = connect(t, u.Kubeconfig)
	u.Allow(namespace, rules...)
	return u
}

// TokenConfig is a kubeconfig with a token of a service account that exists.
func TokenConfig(t testing.TB, namespace, account string) string {
	t.Helper()
	token, err := Kubernetes(t).CoreV1().ServiceAccounts(namespace).
		CreateToken(t.Context(), account, &authenticationv1.TokenRequest{}, v1.CreateOptions{})
	if err != nil {
		t.Fatalf("token of service account: %v", err)
	}
	return tokenConfig(t, namespace, token.Status.Token)
}

// Allow grants rules in a namespace.
func (u *Restricted) Allow(namespace string, rules ...rbacv1.PolicyRule) {
	u.t.Helper()
	if len(rules) == 0 {
		return
	}
	meta := v1.ObjectMeta{Name: Name(u.t)}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name}
	_, err := u.api.RbacV1().Roles(namespace).Create(u.t.Context(), &rbacv1.Role{ObjectMeta: meta, Rules: rules}, v1.CreateOptions{})
	if err != nil {
		u.t.Fatalf("create role: %v", err)
	}
	_, err = u.api.RbacV1().RoleBindings(namespace).Create(u.t.Context(),
		&rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: u.subjects()}, v1.CreateOptions{})
	if err != nil {
		u.t.Fatalf("bind role: %v", err)
	}
	u.waitFor(namespace, rules)
}

// AllowCluster grants rules everywhere, by a ClusterRole.
func (u *Restricted) AllowCluster(rules ...rbacv1.PolicyRule) {
	u.t.Helper()
	meta := v1.ObjectMeta{Name: Name(u.t)}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: meta.Name}
	_, err := u.api.RbacV1().ClusterRoles().Create(u.t.Context(), &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules}, v1.CreateOptions{})
	if err != nil {
		u.t.Fatalf("create cluster role: %v", err)
	}
	_, err = u.api.RbacV1().ClusterRoleBindings().Create(u.t.Context(),
		&rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: u.subjects()}, v1.CreateOptions{})
	if err != nil {
		u.t.Fatalf("bind cluster role: %v", err)
	}
	u.t.Cleanup(func() {
		_ = u.api.RbacV1().ClusterRoleBindings().Delete(context.Background(), meta.Name, v1.DeleteOptions{})
		_ = u.api.RbacV1().ClusterRoles().Delete(context.Background(), meta.Name, v1.DeleteOptions{})
	})
	u.waitFor("", rules)
}

func (u *Restricted) subjects() []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: u.namespace, Name: u.account}}
}

// waitFor waits until the authorizer has seen the last rule: it learns of
// roles by watches.
func (u *Restricted) waitFor(namespace string, rules []rbacv1.PolicyRule) {
	u.t.Helper()
	rule := rules[len(rules)-1]
	resource, subresource, _ := strings.Cut(rule.Resources[0], "/")
	question := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: u.Name,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0],
			Resource: resource, Subresource: subresource,
		},
	}}
	if len(rule.ResourceNames) > 0 {
		question.Spec.ResourceAttributes.Name = rule.ResourceNames[0]
	}
	Eventually(u.t, 30*time.Second, "rights of "+u.Name, func() bool {
		answer, err := u.api.AuthorizationV1().SubjectAccessReviews().Create(u.t.Context(), question, v1.CreateOptions{})
		return err == nil && answer.Status.Allowed
	})
}

// tokenConfig writes a kubeconfig for the shared cluster with a token.
func tokenConfig(t testing.TB, namespace, token string) string {
	t.Helper()
	admin, err := clientcmd.LoadFromFile(Config(t))
	if err != nil {
		t.Fatalf("kubeconfig: %v", err)
	}
	if err := clientcmd.ResolveLocalPaths(admin); err != nil {
		t.Fatalf("kubeconfig: %v", err)
	}
	current := admin.Contexts[admin.CurrentContext]
	if current == nil {
		t.Fatalf("kubeconfig: no context %q", admin.CurrentContext)
	}
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"lab": admin.Clusters[current.Cluster]},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"user": {Token: token}},
		Contexts:       map[string]*clientcmdapi.Context{"user@lab": {Cluster: "lab", AuthInfo: "user", Namespace: namespace}},
		CurrentContext: "user@lab",
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(config, path); err != nil {
		t.Fatalf("write kubeconfig: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatalf("kubeconfig: %v", err)
	}
	return path
}
