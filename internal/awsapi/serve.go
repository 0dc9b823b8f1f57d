package awsapi

import "net/http"

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.cfg.S3.ServeHTTP(w, r) }

func noS3(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
