package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func testUser(t *testing.T, l *testLab) {
	stdout, _ := l.must(t, "user", "team:ann", "--group", "dev", "--group", "ops")
	file := strings.TrimSpace(strings.TrimPrefix(stdout, "export KUBECONFIG="))
	client := l.client(t, file)
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if who := review.Status.UserInfo; who.Username != "team:ann" || strings.Join(who.Groups, " ") != "dev ops system:authenticated" {
		t.Errorf("identity: %+v", who)
	}
	if _, err := client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{}); !errors.IsForbidden(err) {
		t.Errorf("secrets of an unprivileged user: %v", err)
	}
}

func testToken(t *testing.T, l *testLab) {
	token, err := l.client(t, "").CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), "default",
		&authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(l.dir, "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	config = rest.AnonymousClientConfig(config)
	config.BearerToken = token.Status.Token
	review, err := kubernetes.NewForConfigOrDie(config).AuthenticationV1().SelfSubjectReviews().Create(t.Context(),
		&authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil || review.Status.UserInfo.Username != "system:serviceaccount:default:default" {
		t.Errorf("identity: %+v, %v", review, err)
	}
}

func testCustomResource(t *testing.T, l *testLab) {
	definition := `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"boats.lab.example"},
		"spec":{"group":"lab.example","scope":"Namespaced","names":{"plural":"boats","kind":"Boat"},
		"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}`
	api := l.client(t, "").RESTClient()
	path := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	if err := api.Post().AbsPath(path).Body([]byte(definition)).SetHeader("Content-Type", "application/json").Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	boat := `{"apiVersion":"lab.example/v1","kind":"Boat","metadata":{"name":"one"}}`
	eventually(t, 10*time.Second, func() error {
		return api.Post().AbsPath("/apis/lab.example/v1/namespaces/default/boats").Body([]byte(boat)).
			SetHeader("Content-Type", "application/json").Do(t.Context()).Error()
	})
}

// testGarbage checks that owned objects go with their owner and that namespaces
// end, which takes the upstream controller five seconds or more.
func testGarbage(t *testing.T, l *testLab) {
	client := l.client(t, "").CoreV1()
	name := "garbage"
	if _, err := client.Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	owner, err := client.ConfigMaps(name).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owner"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owned", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID}}}}
	if _, err := client.ConfigMaps(name).Create(t.Context(), owned, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client.ConfigMaps(name).Delete(t.Context(), "owner", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gone := func(get func() error) func() error {
		return func() error {
			if err := get(); !errors.IsNotFound(err) {
				return errorf("still there (%v)", err)
			}
			return nil
		}
	}
	eventually(t, 20*time.Second, gone(func() error {
		_, err := client.ConfigMaps(name).Get(t.Context(), "owned", metav1.GetOptions{})
		return err
	}))
	if err := client.Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 40*time.Second, gone(func() error {
		_, err := client.Namespaces().Get(t.Context(), name, metav1.GetOptions{})
		return err
	}))
}
