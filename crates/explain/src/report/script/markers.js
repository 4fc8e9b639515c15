// Markers: the same form and colour for a backend as in the figures.

/// Corners of what is filled.
const CORNERS = {
  Square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  Diamond: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
  Triangle: [[0, -1.2], [1.1, 0.85], [-1.1, 0.85]],
  TriangleDown: [[0, 1.2], [1.1, -0.85], [-1.1, -0.85]],
  BowTie: [[-1.1, -0.9], [1.1, 0.9], [1.1, -0.9], [-1.1, 0.9]],
  Hexagon: [[0, -1.15], [1, -0.58], [1, 0.58], [0, 1.15], [-1, 0.58], [-1, -0.58]],
};

/// Strokes through the middle, each by one of its ends.
const SLANTED = [[0.85, 0.85], [0.85, -0.85]];
const UPRIGHT = [[1.1, 0], [0, 1.1]];
const STROKES = { Cross: SLANTED, Plus: UPRIGHT, Star: [...SLANTED, ...UPRIGHT] };

/// A backend's marker around the origin, with a rim of paper, so that markers that overlap can be told apart. Unknown forms are discs.
function marker(backend) {
  const size = 5;
  const place = ([x, y]) => `${x * size},${y * size}`;
  const strokes = STROKES[backend.marker];
  if (strokes) {
    const d = strokes.map(([x, y]) => `M${place([-x, -y])}L${place([x, y])}`).join("");
    return shape("g", { class: "mark" },
      shape("path", { d, stroke: PAPER, "stroke-width": 5 }),
      shape("path", { d, stroke: backend.colour, "stroke-width": 2.2 }));
  }
  const corners = CORNERS[backend.marker];
  const half = (way) => `a${size},${size} 0 1,0 ${way * 2 * size},0`;
  const d = corners ? `M${corners.map(place).join("L")}z` : `M${-size},0${half(1)}${half(-1)}z`;
  return shape("g", { class: "mark" }, shape("path", { d, fill: backend.colour, stroke: PAPER, "stroke-width": 1.2 }));
}
