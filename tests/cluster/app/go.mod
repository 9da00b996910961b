module weft/app

go 1.24
