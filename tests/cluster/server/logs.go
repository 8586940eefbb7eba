package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/util/flushwriter"
	criapi "k8s.io/cri-api/pkg/apis"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/logs"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// serveLogs answers for the logs of all pods, by the code by which a kubelet reads them. kwok's own server can't end a stream,
// as a kubelet does when the container ends.
//
// The files are FOLDER/namespace/pod/container/0.log, 1.log after a restart, and so on. A container has ended when there is
// a file with the next number, or one called 0.ended.
func serveLogs(address, folder, certificate, key string) error {
	http.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", func(answer http.ResponseWriter, request *http.Request) {
		options := &v1.PodLogOptions{}
		err := legacyscheme.ParameterCodec.DecodeParameters(request.URL.Query(), v1.SchemeGroupVersion, options)
		if err == nil {
			pod, container := request.PathValue("pod"), request.PathValue("container")
			err = readLog(request.Context(), filepath.Join(folder, request.PathValue("namespace"), pod), container, options, answer)
		}
		if err != nil && request.Context().Err() == nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
		}
	})
	return http.ListenAndServeTLS(address, certificate, key, nil)
}

func readLog(ctx context.Context, folder, container string, options *v1.PodLogOptions, answer http.ResponseWriter) error {
	file := func(number int, ending string) string {
		return filepath.Join(folder, container, fmt.Sprintf("%d.%s", number, ending))
	}
	last := 0
	for exists(file(last+1, "log")) {
		last++
	}
	why := "container %q in pod %q is waiting to start - no logs yet"
	if options.Previous {
		last, why = last-1, "previous terminated container %q in pod %q not found"
	}
	if !exists(file(last, "log")) {
		return fmt.Errorf(why, container, filepath.Base(folder))
	}
	wanted := &logs.LogOptions{
		TailLines: options.TailLines, LimitBytes: options.LimitBytes, Follow: options.Follow, Timestamp: options.Timestamps,
	}
	if options.SinceSeconds != nil {
		wanted.Since = time.Now().Add(-time.Duration(*options.SinceSeconds) * time.Second)
	} else if options.SinceTime != nil {
		wanted.Since = options.SinceTime.Time
	}
	out := flushwriter.Wrap(answer)
	ends := state{over: []string{file(last, "ended"), file(last+1, "log")}}
	return logs.ReadLogs(ctx, file(last, "log"), container, wanted, ends, out, out)
}

// state is what a reader of logs asks a container runtime for: whether the container, which is over when one of these files
// is there, still runs.
type state struct {
	criapi.RuntimeService
	over []string
}

func (s state) ContainerStatus(context.Context, string, bool) (*runtime.ContainerStatusResponse, error) {
	now := runtime.ContainerState_CONTAINER_RUNNING
	for _, file := range s.over {
		if exists(file) {
			now = runtime.ContainerState_CONTAINER_EXITED
		}
	}
	return &runtime.ContainerStatusResponse{Status: &runtime.ContainerStatus{State: now}}, nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
