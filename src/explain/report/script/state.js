// What the explorer shows, kept in the address after the '#', so that a view can be shared: #explore?k=16&backend=mpi&y=time

const HOME = "#explore";

/// What the address asks for; null where it asks for no view.
function stateInAddress() {
  if (!location.hash.startsWith(HOME + "?")) return null;
  return new URLSearchParams(location.hash.slice(HOME.length + 1));
}

/// Writes a view into the address without a step in the history.
function writeAddress(parameters) {
  const text = parameters.toString();
  try {
    history.replaceState(null, "", text ? `${HOME}?${text}` : location.hash.startsWith(HOME) ? HOME : location.hash || "#");
  } catch {
    // Some browsers refuse it to a file; the view is then not in the address.
  }
}
