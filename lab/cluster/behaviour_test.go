package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
)

const namespace = metav1.NamespaceDefault

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// eventually polls until check returns nil.
func eventually(t *testing.T, within time.Duration, check func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 25*time.Millisecond, within, true,
		func(context.Context) (bool, error) {
			last = check()
			return last == nil, nil
		})
	if err != nil {
		t.Fatalf("not within %s: %v", within, last)
	}
}

func podSpec(image string) corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}}
}

func (l *testLab) createPod(t *testing.T, name string, annotations map[string]string, spec corev1.PodSpec) {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}, Spec: spec}
	if _, err := l.client(t, "").CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// awaitPod polls until check accepts the pod.
func (l *testLab) awaitPod(t *testing.T, name string, check func(corev1.PodStatus) bool) {
	t.Helper()
	client := l.client(t, "")
	eventually(t, 20*time.Second, func() error {
		pod, err := client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if !check(pod.Status) {
			return errorf("pod %s: %+v", name, pod.Status)
		}
		return nil
	})
}

func (l *testLab) awaitEvent(t *testing.T, pod, reason, message string) {
	t.Helper()
	client := l.client(t, "")
	eventually(t, 10*time.Second, func() error {
		list, err := client.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{
			FieldSelector: "involvedObject.name=" + pod + ",reason=" + reason})
		if err != nil {
			return err
		}
		for _, e := range list.Items {
			if strings.Contains(e.Message, message) {
				return nil
			}
		}
		return errorf("no event %s with %q on %s", reason, message, pod)
	})
}

func testDeployment(t *testing.T, l *testLab) {
	client := l.client(t, "").AppsV1().Deployments(namespace)
	labels := map[string]string{"app": "web"}
	_, err := client.Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](3),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: podSpec("nginx:1")},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, func() error {
		d, err := client.Get(t.Context(), "web", metav1.GetOptions{})
		if err == nil && d.Status.ReadyReplicas != 3 {
			err = errorf("deployment: %+v", d.Status)
		}
		return err
	})
}

func waitingReason(s corev1.PodStatus) string {
	for _, c := range append(s.InitContainerStatuses, s.ContainerStatuses...) {
		if c.State.Waiting != nil && c.State.Waiting.Reason != "PodInitializing" {
			return c.State.Waiting.Reason
		}
	}
	return ""
}

func ready(s corev1.PodStatus) bool {
	for _, c := range s.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func testMissing(t *testing.T, l *testLab) {
	digest := "repo/app@sha256:0000" + strings.Repeat("a", 60)
	for name, image := range map[string]string{"missing-name": "repo/lab-missing:1", "missing-digest": digest} {
		l.createPod(t, name, nil, podSpec(image))
		l.awaitPod(t, name, func(s corev1.PodStatus) bool {
			return waitingReason(s) == "ImagePullBackOff" && s.Phase == corev1.PodPending
		})
		l.awaitEvent(t, name, "Failed", fmt.Sprintf("Failed to pull image %q", image))
	}
	l.createPod(t, "missing-note", map[string]string{"lab.tug.dev/behaviour": "missing"}, podSpec("nginx:1"))
	l.awaitPod(t, "missing-note", func(s corev1.PodStatus) bool { return waitingReason(s) == "ImagePullBackOff" })
	patch := []byte(`{"metadata":{"annotations":{"lab.tug.dev/behaviour":"ready"}}}`)
	_, err := l.client(t, "").CoreV1().Pods(namespace).Patch(t.Context(), "missing-note", "application/merge-patch+json", patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l.awaitPod(t, "missing-note", ready)
}

func testCrash(t *testing.T, l *testLab) {
	spec := podSpec("repo/lab-crash:1")
	spec.Containers = append(spec.Containers, corev1.Container{Name: "side", Image: "nginx:1"})
	l.createPod(t, "crash", nil, spec)
	l.awaitPod(t, "crash", func(s corev1.PodStatus) bool {
		return waitingReason(s) == "CrashLoopBackOff" && s.ContainerStatuses[0].RestartCount >= 3 &&
			s.ContainerStatuses[0].LastTerminationState.Terminated.ExitCode == 1 && s.ContainerStatuses[1].Ready
	})
	l.awaitEvent(t, "crash", "BackOff", "Back-off restarting failed container main")
}

func testHang(t *testing.T, l *testLab) {
	l.createPod(t, "hang", nil, podSpec("repo/lab-hang:1"))
	l.awaitPod(t, "hang", func(s corev1.PodStatus) bool { return s.Phase == corev1.PodRunning && !ready(s) })
	l.awaitEvent(t, "hang", "Unhealthy", "Readiness probe failed")
}

func testJobs(t *testing.T, l *testLab) {
	client := l.client(t, "").BatchV1().Jobs(namespace)
	for name, image := range map[string]string{"good": "task:1", "bad": "repo/lab-fail:1"} {
		spec := podSpec(image)
		spec.RestartPolicy = corev1.RestartPolicyNever
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: batchv1.JobSpec{
			BackoffLimit: ptr.To[int32](0), Template: corev1.PodTemplateSpec{Spec: spec}}}
		if _, err := client.Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]batchv1.JobConditionType{"good": batchv1.JobComplete, "bad": batchv1.JobFailed} {
		eventually(t, 20*time.Second, func() error {
			job, err := client.Get(t.Context(), name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, c := range job.Status.Conditions {
				if c.Type == want && c.Status == corev1.ConditionTrue {
					return nil
				}
			}
			return errorf("job %s: %+v", name, job.Status)
		})
	}
}

func testInitContainers(t *testing.T, l *testLab) {
	spec := podSpec("nginx:1")
	spec.InitContainers = []corev1.Container{
		{Name: "first", Image: "init:1"},
		{Name: "side", Image: "side:1", RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)},
	}
	l.createPod(t, "init-ready", nil, spec)
	l.awaitPod(t, "init-ready", func(s corev1.PodStatus) bool {
		return ready(s) && s.InitContainerStatuses[0].State.Terminated != nil && s.InitContainerStatuses[1].State.Running != nil
	})
	spec.InitContainers = []corev1.Container{{Name: "first", Image: "init:1"}, {Name: "second", Image: "repo/lab-crash:1"}}
	l.createPod(t, "init-crash", nil, spec)
	l.awaitPod(t, "init-crash", func(s corev1.PodStatus) bool {
		return waitingReason(s) == "CrashLoopBackOff" && s.Phase == corev1.PodPending &&
			s.InitContainerStatuses[0].Ready && s.ContainerStatuses[0].State.Waiting.Reason == "PodInitializing"
	})
}

func testClaims(t *testing.T, l *testLab) {
	client := l.client(t, "").CoreV1()
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}}
	if _, err := client.PersistentVolumeClaims(namespace).Create(t.Context(), claim, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, func() error {
		c, err := client.PersistentVolumeClaims(namespace).Get(t.Context(), "data", metav1.GetOptions{})
		if err == nil && c.Status.Phase != corev1.ClaimBound {
			err = errorf("claim: %+v", c.Status)
		}
		return err
	})
	if err := client.PersistentVolumeClaims(namespace).Delete(t.Context(), "data", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, func() error {
		volumes, err := client.PersistentVolumes().List(t.Context(), metav1.ListOptions{})
		if err == nil && len(volumes.Items) != 0 {
			err = errorf("volumes left: %+v", volumes.Items)
		}
		return err
	})
}

func testLogs(t *testing.T, l *testLab) {
	pods := l.client(t, "").CoreV1().Pods(namespace)
	got, err := pods.GetLogs("hang", &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil || !strings.Contains(string(got), "lab: container started") {
		t.Errorf("logs: %q, %v", got, err)
	}
	stream, err := pods.GetLogs("hang", &corev1.PodLogOptions{Follow: true}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	if _, err := io.ReadFull(stream, make([]byte, len(got))); err != nil {
		t.Errorf("followed logs: %v", err)
	}
}
