#include <sim/svg.h>

int sim_svg_open(struct sim_svg *s, const char *path, unsigned width, unsigned height)
{
    s->file = fopen(path, "w");
    if (!s->file) {
        return CJD_ERR_IO;
    }
    (void)fprintf(s->file,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
                  "viewBox=\"0 0 %u %u\" font-family=\"sans-serif\" font-size=\"12\">\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                  width, height, width, height);
    return 0;
}

int sim_svg_close(struct sim_svg *s)
{
    (void)fputs("</svg>\n", s->file);
    int failed = ferror(s->file);
    return fclose(s->file) == 0 && !failed ? 0 : CJD_ERR_IO;
}

static void write_style(struct sim_svg *s, const struct sim_svg_style *style)
{
    (void)fprintf(s->file, " stroke=\"%s\" fill=\"%s\" stroke-width=\"%g\"",
                  style->stroke ? style->stroke : "none", style->fill ? style->fill : "none",
                  style->width);
}

void sim_svg_line(struct sim_svg *s, const double from[2], const double to[2],
                  const struct sim_svg_style *style)
{
    (void)fprintf(s->file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"", from[0],
                  from[1], to[0], to[1]);
    write_style(s, style);
    (void)fputs("/>\n", s->file);
}

void sim_svg_circle(struct sim_svg *s, const double at[2], double radius,
                    const struct sim_svg_style *style)
{
    (void)fprintf(s->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", at[0], at[1], radius);
    write_style(s, style);
    (void)fputs("/>\n", s->file);
}

static void write_escaped(struct sim_svg *s, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            (void)fputs("&lt;", s->file);
            break;
        case '>':
            (void)fputs("&gt;", s->file);
            break;
        case '&':
            (void)fputs("&amp;", s->file);
            break;
        default:
            (void)fputc(*text, s->file);
            break;
        }
    }
}

void sim_svg_text(struct sim_svg *s, const double at[2], const char *anchor, const char *text)
{
    (void)fprintf(s->file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", at[0], at[1], anchor);
    write_escaped(s, text);
    (void)fputs("</text>\n", s->file);
}

void sim_svg_path_begin(struct sim_svg *s, const struct sim_svg_style *style)
{
    (void)fputs("<polyline", s->file);
    write_style(s, style);
    (void)fputs(" points=\"", s->file);
}

void sim_svg_path_point(struct sim_svg *s, const double at[2])
{
    (void)fprintf(s->file, "%.1f,%.1f ", at[0], at[1]);
}

void sim_svg_path_end(struct sim_svg *s)
{
    (void)fputs("\"/>\n", s->file);
}
