/* Writes SVG, the few shapes that plots and pictures need. Text is escaped. */
#ifndef SIM_SVG_H
#define SIM_SVG_H

#include <stdio.h>

#include <cjd/err.h>

struct sim_svg {
    FILE *file;
};

CJD_MUST_CHECK int sim_svg_open(struct sim_svg *s, const char *path, unsigned width,
                                unsigned height);
/* CJD_ERR_IO if anything could not be written. */
CJD_MUST_CHECK int sim_svg_close(struct sim_svg *s);

struct sim_svg_style {
    const char *stroke; /* NULL: none */
    const char *fill;   /* NULL: none */
    double width;
};

void sim_svg_line(struct sim_svg *s, const double from[2], const double to[2],
                  const struct sim_svg_style *style);
void sim_svg_circle(struct sim_svg *s, const double at[2], double radius,
                    const struct sim_svg_style *style);
/* anchor: "start", "middle", "end" */
void sim_svg_text(struct sim_svg *s, const double at[2], const char *anchor, const char *text);
/* A path through many points: begin, then the points, then end. */
void sim_svg_path_begin(struct sim_svg *s, const struct sim_svg_style *style);
void sim_svg_path_point(struct sim_svg *s, const double at[2]);
void sim_svg_path_end(struct sim_svg *s);

#endif
